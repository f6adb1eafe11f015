package ds.config;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.CorpusCase.Kind;
import ds.config.CorpusCase.Outcome;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
        Differences.assertListed(OUTCOMES, Deviations.read().reasons());
    }

    @Test
    void noRowIsStale() throws IOException {
        Assumptions.assumeTrue(Fixtures.own(), "the list is about the repository's own cases");
        Differences.assertNoneStale(OUTCOMES, Deviations.read().reasons());
    }

    @Test
    void theTableOfCasesIsTrue() throws IOException {
        Assumptions.assumeTrue(Fixtures.own(), "the table is about the repository's own cases");
        Deviations page = Deviations.read();
        Differences.assertText(page, page.with(OUTCOMES));
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
