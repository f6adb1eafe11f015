package ds.config;

import ds.config.CorpusCase.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
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
        Differences.assertListed(OUTCOMES, Deviations.read().external());
    }

    @Test
    void noRowIsStale() throws IOException {
        Differences.assertNoneStale(OUTCOMES, Deviations.read().external());
    }

    @Test
    void theTableOfCasesIsTrue() throws IOException {
        Deviations page = Deviations.read();
        Differences.assertText(page, page.withExternal(OUTCOMES));
    }
}
