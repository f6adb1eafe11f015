package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Diagnostic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** One slip in the text does not hide the next, nor the mistakes in what could be read. */
class TolerantReaderTest {
    @Test
    void everySlipAndEveryMistakeOfOneDocumentIsFound() {
        assertEquals(
                """
                3:3 syntax A comma is missing before this.
                3:3 unknown-key 'gradient_cliping' is not a key here.
                3:27 syntax Two commas follow each other.
                4:23 syntax JSON spells True otherwise.
                4:29 unknown-key 'loss_scal' is not a key here.
                5:25 syntax The text Adam needs quotes.
                5:48 syntax '.001' is not a JSON number.
                5:63 syntax A list stands in [ ], not in ( ).
                6:34 syntax '08' is not a JSON number.
                6:34 range 'stage' must be an integer, from 0 to 3, was 8.
                """,
                found(
                        """
                        {
                          "train_batch_size": 32
                          "gradient_cliping": 1.0,,
                          "fp16": {"enabled": True, "loss_scal": 0},
                          "optimizer": {"type": Adam, "params": {"lr": .001, "betas": (0.9, 0.999)}},
                          "zero_optimization": {"stage": 08}
                        }
                        """));
    }

    @Test
    void whatAnUnreadPartMayHoldIsNotMissing() {
        assertEquals(
                "1:35 syntax The text ends, but the { of 1:1 is still open.\n",
                found("{\"zero_optimization\": {\"stage\": 3}"));
        assertEquals(
                "1:22 syntax NaN is not a JSON number.\n", found("{\"train_batch_size\": NaN}"));
    }

    @Test
    void aWrongCloserIsReadAsTheRightOne() {
        assertEquals(
                "1:27 syntax The { of 1:10 is closed by ].\n1:30 unknown-key 'a' is not a key here.\n",
                found("{\"fp16\": {\"enabled\": true ], \"a\": 1}"));
        assertEquals(
                "1:2 unknown-key 'a' is not a key here.\n"
                        + "1:11 syntax The [ of 1:7 is closed by }.\n"
                        + "1:14 unknown-key 'b' is not a key here.\n",
                found("{\"a\": [1, }, \"b\": 1}"));
    }

    @Test
    void aBraceThatEndsTheDocumentTooEarlyDoesNotHideTheRest() {
        assertEquals(
                "1:24 syntax There is more text after the closing brace of the document.\n"
                        + "1:26 unknown-key 'a' is not a key here.\n",
                found("{\"train_batch_size\": 8}, \"a\": 1}"));
    }

    @Test
    void aDocumentWithoutBracesIsReadIfNothingElseIsWrong() {
        assertEquals(
                "1:1 syntax The document must be an object in braces.\n"
                        + "2:1 unknown-key 'gradient_clip' is not a key here.\n",
                found("train_batch_size: 8\ngradient_clip: 3\n"));
        assertEquals(
                "1:1 syntax The document must be an object in braces.\n",
                found("train_batch_size: 8\nfp16:\n  enabled: true\n"));
    }

    @Test
    void numbersAreSaidAsJsonWritesThem() {
        Map<String, String> meant =
                Map.of(
                        "+8", "8", "08", "8", "0x10", "16", "1_000", "1000", ".5", "0.5", "-.5",
                        "-0.5", "5.", "5.0", "1,000", "1000", "007.5", "7.5");
        meant.forEach(
                (written, right) ->
                        assertEquals(
                                "Write %s.".formatted(right),
                                DocumentParser.parse("{\"a\": %s}".formatted(written))
                                        .problems()
                                        .getFirst()
                                        .suggestion(),
                                written));
    }

    @Test
    void aNumberThatIsTooLongIsOneMistakeAndHidesNone() {
        String digits = "1".repeat(500);
        assertEquals(
                """
                1:21 limit A number has 500 characters; 400 are the limit.
                2:1 unknown-key 'gradient_cliping' is not a key here.
                3:25 unread-key 'params' is read by nobody without 'optimizer.type'.
                3:36 limit A number has 501 characters; 400 are the limit.
                4:23 limit A number has 502 characters; 400 are the limit.
                4:558 range 'stage' must be an integer, from 0 to 3, was 7.
                5:1 unknown-key 'stge' is not a key here.
                5:9 limit A number has 500 characters; 400 are the limit.
                """,
                found(
                        """
                        {"train_batch_size":%1$s,
                        "gradient_cliping": 1,
                        "optimizer": {"params": {"betas": [-%1$s, 0.9]}},
                        "gradient_clipping":  0.%1$s, "zero_optimization": {"stage": 7},
                        "stge": %1$s}
                        """
                                .formatted(digits)));
        assertEquals(
                "1:22 limit A number has 2,000,000 characters; 400 are the limit.\n",
                found("{\"train_batch_size\": " + "9".repeat(2_000_000) + "}"));
    }

    @Test
    void aTextThatIsNothingLikeJsonIsGivenUpSoon() {
        LocatedDocument document = DocumentParser.parse("{" + "@ ? ; =\n".repeat(100_000));
        List<Diagnostic> slips =
                document.problems().stream().filter(d -> d.code().equals("syntax")).toList();
        assertEquals(SlipReport.MOST + 1, slips.size());
        assertEquals(
                "Behind this place the document was not read any further.",
                slips.getLast().message());
    }

    /** What the strict reader accepts, the tolerant one reads alike: same values, same places. */
    @Test
    void bothReadersAgreeOnWhatIsJson() throws IOException {
        try (Stream<Path> files = Files.walk(Fixtures.config())) {
            List<Path> json =
                    files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
            assertTrue(json.size() > 700, () -> json.size() + " files");
            for (Path file : json) {
                String text = Files.readString(file);
                LocatedDocument strict = DocumentParser.parse(text);
                DocumentDraft draft = new DocumentDraft();
                Map<String, Object> root = TolerantReader.read(text, draft);
                assertEquals(strict, draft.finish(root, text), file.toString());
            }
        }
    }

    private static String found(String text) {
        StringBuilder lines = new StringBuilder();
        for (Diagnostic d : DsConfig.check(text, CheckOptions.none()).diagnostics()) {
            lines.append("%d:%d %s %s\n".formatted(d.line(), d.column(), d.code(), d.message()));
        }
        return lines.toString();
    }
}
