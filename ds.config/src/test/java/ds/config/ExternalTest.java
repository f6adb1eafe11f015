package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.config.CorpusCase.Kind;
import ds.config.CorpusCase.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * We read the configurations of public projects as DeepSpeed does, or the difference is on the
 * list. The files are not the repository's: without them these tests are skipped.
 */
class ExternalTest {
    private static final Map<CorpusCase, Outcome> OUTCOMES = new LinkedHashMap<>();

    @BeforeAll
    static void compare() throws IOException {
        Path folder = Fixtures.external();
        Assumptions.assumeTrue(
                Files.isDirectory(folder),
                () -> "the files of public projects are not at " + folder + " (-Dds.external=DIR)");
        for (CorpusCase golden : CorpusCase.in(folder)) {
            OUTCOMES.put(golden, golden.outcome());
        }
    }

    @Test
    void everyDifferenceIsListed() throws IOException {
        Map<String, String> listed = Deviations.read().external();
        String unlisted =
                OUTCOMES.entrySet().stream()
                        .filter(e -> e.getValue().kind() == Kind.DIFFERS)
                        .filter(e -> !listed.containsKey(e.getKey().name()))
                        .map(e -> e.getKey().name() + ": " + e.getValue().details())
                        .collect(Collectors.joining("\n"));
        assertEquals("", unlisted, "differences that docs/deviations.md does not list");
    }

    @Test
    void noRowIsStale() throws IOException {
        TreeSet<String> stale = new TreeSet<>(Deviations.read().external().keySet());
        OUTCOMES.forEach(
                (golden, outcome) -> {
                    if (outcome.kind() == Kind.DIFFERS) {
                        stale.remove(golden.name());
                    }
                });
        assertEquals(new TreeSet<String>(), stale, "rows of docs/deviations.md that agree by now");
    }

    @Test
    void theTableOfCasesIsTrue() throws IOException {
        Deviations page = Deviations.read();
        String now = page.withExternal(OUTCOMES);
        if (Boolean.getBoolean("ds.golden.update")) {
            Files.writeString(page.page(), now);
        } else {
            assertEquals(now, page.text(), "run with -Dds.golden.update=true");
        }
    }
}
