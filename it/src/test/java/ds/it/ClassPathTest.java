package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A service that has no modules embeds the same jars on its class path, and finds the same. */
class ClassPathTest {
    @TempDir Path directory;

    @Test
    void theSameProvidersAreFoundOnTheClassPath() throws Exception {
        List<Path> path = new ArrayList<>(Reactor.classes().values());
        path.add(Reactor.ROOT.resolve("it", "target", "test-classes"));
        Programs.Outcome outcome =
                Programs.run(
                        directory,
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--add-modules",
                                "jdk.incubator.vector",
                                "-cp",
                                path.stream()
                                        .map(Path::toString)
                                        .collect(Collectors.joining(File.pathSeparator)),
                                "ds.it.Providers"));
        assertEquals(0, outcome.status(), outcome.err());
        assertEquals(Providers.found(), outcome.out());
    }

    @Test
    void theModulePathHasAnOptimizerToFind() {
        assertTrue(Providers.found().contains("adamw"), Providers.found());
    }
}
