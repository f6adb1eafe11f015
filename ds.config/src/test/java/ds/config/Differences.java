package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.config.CorpusCase.Kind;
import ds.config.CorpusCase.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Where we read cases other than DeepSpeed, held against {@code docs/deviations.md}. */
final class Differences {
    private Differences() {}

    /** Checks that the page has a reason for every case that differs. */
    static void assertListed(Map<CorpusCase, Outcome> outcomes, Map<String, String> listed) {
        String unlisted =
                outcomes.entrySet().stream()
                        .filter(e -> e.getValue().kind() == Kind.DIFFERS)
                        .filter(e -> !listed.containsKey(e.getKey().name()))
                        .map(e -> e.getKey().name() + ": " + e.getValue().details())
                        .collect(Collectors.joining("\n"));
        assertEquals("", unlisted, "differences that docs/deviations.md does not list");
    }

    /** Checks that the page lists no case that agrees. */
    static void assertNoneStale(Map<CorpusCase, Outcome> outcomes, Map<String, String> listed) {
        TreeSet<String> stale = new TreeSet<>(listed.keySet());
        outcomes.forEach(
                (golden, outcome) -> {
                    if (outcome.kind() == Kind.DIFFERS) {
                        stale.remove(golden.name());
                    }
                });
        assertEquals(new TreeSet<String>(), stale, "rows of docs/deviations.md that agree by now");
    }

    /** Checks that the page says {@code now}, or makes it say so. */
    static void assertText(Deviations page, String now) throws IOException {
        if (Boolean.getBoolean("ds.golden.update")) {
            Files.writeString(page.page(), now);
        } else {
            assertEquals(now, page.text(), "run with -Dds.golden.update=true");
        }
    }
}
