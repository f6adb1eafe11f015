package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.CorpusCase.Kind;
import ds.config.CorpusCase.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** We read every golden configuration as DeepSpeed does, or the difference is on the list. */
class CorpusTest {
    private static final Map<CorpusCase, Outcome> OUTCOMES = new LinkedHashMap<>();

    @BeforeAll
    static void compare() throws IOException {
        for (CorpusCase golden : CorpusCase.all()) {
            OUTCOMES.put(golden, golden.outcome());
        }
    }

    @Test
    void everyDifferenceIsListed() throws IOException {
        Map<String, String> listed = Deviations.read().reasons();
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
        Assumptions.assumeTrue(Fixtures.own(), "the list is about the repository's own cases");
        TreeSet<String> stale = new TreeSet<>(Deviations.read().reasons().keySet());
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
        Assumptions.assumeTrue(Fixtures.own(), "the table is about the repository's own cases");
        Deviations page = Deviations.read();
        String now = page.with(OUTCOMES);
        if (Boolean.getBoolean("ds.golden.update")) {
            Files.writeString(page.page(), now);
        } else {
            assertEquals(now, page.text(), "run with -Dds.golden.update=true");
        }
    }

    @Test
    void fewOfTheAcceptedCasesDiffer() {
        List<Map.Entry<CorpusCase, Outcome>> accepted =
                OUTCOMES.entrySet().stream()
                        .filter(e -> e.getKey().accepted())
                        .filter(e -> e.getValue().kind() != Kind.IGNORED)
                        .toList();
        long differ = accepted.stream().filter(e -> e.getValue().kind() == Kind.DIFFERS).count();
        assertTrue(
                differ * 100 < accepted.size() * 3L,
                () -> differ + " of " + accepted.size() + " accepted cases differ");
    }
}
