package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** We read every golden configuration as DeepSpeed does, or the difference is on the list. */
class CorpusTest {
    @Test
    void everyDifferenceIsListedAndNoRowIsStale() throws IOException {
        Map<String, String> listed = listed();
        Map<String, String> actual = new TreeMap<>();
        List<CorpusCase> cases = cases();
        for (CorpusCase golden : cases) {
            String difference = golden.difference();
            if (!difference.isEmpty()) {
                actual.put(golden.name(), difference);
            }
        }
        TreeSet<String> unlisted = new TreeSet<>(actual.keySet());
        unlisted.removeAll(listed.keySet());
        TreeSet<String> stale = new TreeSet<>(listed.keySet());
        stale.removeAll(actual.keySet());
        String details =
                unlisted.stream()
                        .map(name -> name + ": " + actual.get(name))
                        .collect(Collectors.joining("\n"));
        assertEquals("", details, "differences that are not in deviations.tsv");
        assertEquals(new TreeSet<String>(), stale, "rows of deviations.tsv that agree by now");
        assertTrue(cases.size() >= 700, () -> "only " + cases.size() + " cases were found");
    }

    @Test
    void everyReasonIsExplained() throws IOException {
        String readme = Files.readString(Fixtures.config().resolve("README.md"));
        for (String reason : listed().values()) {
            assertTrue(readme.contains("| `" + reason + "` |"), reason);
        }
    }

    private static Map<String, String> listed() throws IOException {
        try (Stream<String> lines = Files.lines(Fixtures.config().resolve("deviations.tsv"))) {
            return lines.skip(1)
                    .map(line -> line.split("\t"))
                    .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));
        }
    }

    private static List<CorpusCase> cases() throws IOException {
        try (Stream<Path> files = Files.walk(Fixtures.config().resolve("corpus"))) {
            return files.filter(file -> file.toString().endsWith(".json"))
                    .sorted()
                    .map(CorpusCase::read)
                    .toList();
        }
    }
}
