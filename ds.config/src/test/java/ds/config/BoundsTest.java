package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.BoundedDiagnostics;
import ds.core.Diagnostic;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** No document exhausts memory or time, and what is exact stays so. Megabytes, in seconds. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class BoundsTest {
    private static final int MANY = 100_000;
    private static final int LARGEST_OUTPUT = 300_000;

    @Test
    void sizeDepthAndLengthsAreLimited() {
        assertEquals("The document nests deeper than 64.", limit("{\"a\":" + "[".repeat(500_000)));
        assertEquals("The document nests deeper than 64.", limit("{\"a\":".repeat(MANY)));
        assertEquals(
                "A number has 5,000 characters; 400 are the limit.",
                limit("{\"a\": " + "1".repeat(5_000) + "}"));
        assertEquals(
                "A string has more than 1,048,576 characters.",
                limit("{\"a\": \"" + "x".repeat(2 << 20) + "\"}"));
        assertEquals(
                "A name has more than 4,096 characters.",
                limit("{\"" + "x".repeat(1 << 20) + "\": 1}"));
        assertEquals(
                "The document has 4,194,305 characters; 4,194,304 are the limit.",
                limit(" ".repeat(DocumentParser.MOST_CHARACTERS + 1)));
        assertEquals(
                "The document has more than 250,000 values.",
                limit("{\"a\": [" + "1,".repeat(300_000) + "1]}"));
    }

    @Test
    void longNamesDeepDownDoNotMultiply() {
        String deep = ("{\"" + "n".repeat(4_000) + "\":").repeat(60);
        String wide =
                IntStream.range(0, 200_000)
                        .mapToObj(i -> "a" + i + ":1")
                        .collect(Collectors.joining(","));
        assertEquals(
                "The names of this document, each with those around it, have more than 16,777,216"
                        + " characters.",
                limit(deep + "{" + wide + "}" + "}".repeat(60)));
    }

    @Test
    void aHundredThousandMistakesAreCounted() {
        assertCounted(check("{" + "\"train_batch_size\": 1,".repeat(MANY) + "}"));
        String unknown =
                IntStream.range(0, MANY)
                        .mapToObj(i -> "\"gradient_clipin%d\": 1".formatted(i))
                        .collect(Collectors.joining(",\n", "{", "}"));
        assertCounted(check(unknown));
        String slips = "{" + "\"a\" 1;\n".repeat(MANY) + "}";
        assertTrue(check(slips).diagnostics().size() <= LocatedDocument.MOST_SHOWN);
    }

    @Test
    void oneErrorAmongManyNotesStillCounts() {
        BoundedDiagnostics found = new BoundedDiagnostics(2);
        for (int note = 0; note < 3; note++) {
            found.add(Diagnostic.note("no-effect", "/a", "x", ""));
        }
        found.add(Diagnostic.error("type", "/b", "y", ""));
        assertEquals(3, found.list().size());
        assertTrue(found.list().getLast().isError());
        assertEquals(Diagnostic.Phase.CONFIG, found.list().getLast().phase());
    }

    @Test
    void aLineOfAMegabyteIsShownInPart() {
        String text = "{\"x\": \"" + "y".repeat(1_000_000) + "\", \"gradient_cliping\": 3}";
        String shown = check(text).render(false);
        assertTrue(
                shown.contains(
                        """
                         1 | ...yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", "gradient_cliping": 3}
                           |                                            ^^^^^^^^^^^^^^^^^^
                        """),
                shown);
        assertTrue(shown.length() < 2_000, shown);
    }

    @Test
    void numbersKeepTheirExactness() {
        ConfigCheck check =
                check(
                        "{\"train_batch_size\": 8, \"zero_optimization\": {\"sub_group_size\":"
                                + " 10000000000000000000000000001, \"reduce_bucket_size\": 1e10,"
                                + " \"stage3_max_live_parameters\": 9007199254740993}}");
        Map<String, Object> resolved = check.resolved();
        assertEquals(
                new BigInteger("10000000000000000000000000001"),
                resolved.get("zero_optimization.sub_group_size"));
        assertEquals(10_000_000_000L, resolved.get("zero_optimization.reduce_bucket_size"));
        assertEquals(
                9_007_199_254_740_993L,
                resolved.get("zero_optimization.stage3_max_live_parameters"));
    }

    @Test
    void numbersBeyondReasonAreRefusedUnexpanded() {
        ConfigCheck check =
                check(
                        "{\"train_batch_size\": 1e999999999, \"gradient_clipping\": 1e-999999999,"
                                + " \"optimizer\": {\"type\": \"adam\", \"params\": {\"lr\":"
                                + " 1e999999999}}, \"steps_per_print\": 1e99999999999999999999}");
        assertEquals(
                List.of(
                        "'train_batch_size' is beyond what a 64-bit number holds, was 1E+999999999.",
                        "'gradient_clipping' is beyond what a 64-bit number holds, was 1E-999999999.",
                        "'lr' must be a finite number, was Infinity.",
                        "The exponent of this number has more than nine digits."),
                check.diagnostics().stream().map(Diagnostic::message).toList());
    }

    @Test
    void theTerminalIsNotObeyed() {
        ConfigCheck check = check("{\"a\u202e\u009b31m\": 1}");
        String shown = check.render(false);
        assertFalse(shown.contains("\u202e") || shown.contains("\u009b"), shown);
    }

    private static void assertCounted(ConfigCheck check) {
        List<Diagnostic> found = check.diagnostics();
        assertEquals(LocatedDocument.MOST_SHOWN + 1, found.size());
        assertEquals(BoundedDiagnostics.MORE, found.getLast().code());
        assertTrue(found.getLast().isError());
        assertTrue(check.render(true).length() < LARGEST_OUTPUT);
        assertTrue(CheckReport.json(List.of(check)).length() < LARGEST_OUTPUT);
    }

    private static ConfigCheck check(String text) {
        return DsConfig.check(text, CheckOptions.none());
    }

    private static String limit(String text) {
        ConfigCheck check = check(text);
        assertFalse(check.isOk());
        assertTrue(check.render(false).length() < 2_000);
        return check.diagnostics().stream()
                .filter(d -> d.code().equals("limit"))
                .findFirst()
                .orElseThrow()
                .message();
    }
}
