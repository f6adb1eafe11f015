package ds.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What lies in the fixtures folder and is compared by no test that prints its line is said too. */
class FixtureFamiliesTest {
    private static final Set<String> COMPARED =
            Set.of("optim", "onebit", "lr_schedules", "loss_scaler", "clip", "rounding", "train");

    @Test
    @Tag("fixtures")
    void everyFamilyOfTheFolderIsComparedOrNamed() throws IOException {
        Path named = Path.of(System.getProperty("ds.fixtures", "../testdata"));
        Path folder = Files.isDirectory(named.resolve("golden")) ? named.resolve("golden") : named;
        try (Stream<Path> files = Files.list(folder)) {
            List<String> families =
                    files.map(file -> file.getFileName().toString())
                            .filter(name -> name.endsWith(".json"))
                            .map(name -> name.substring(0, name.length() - ".json".length()))
                            .sorted()
                            .toList();
            families.stream()
                    .filter(family -> !COMPARED.contains(family))
                    .forEach(
                            family ->
                                    System.out.println(
                                            "fixtures %s: not compared by this profile"
                                                    .formatted(family)));
            assertTrue(families.stream().anyMatch(COMPARED::contains), folder.toString());
        }
    }
}
