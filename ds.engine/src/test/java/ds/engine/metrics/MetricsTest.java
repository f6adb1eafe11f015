package ds.engine.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Numbers come out as they went in, also when a run goes on in the middle. */
class MetricsTest {
    @TempDir private Path temporary;

    @Test
    void numbersKeepTheirBitsAndOddOnesAreWords() throws IOException {
        Path file = temporary.resolve("deep/metrics.jsonl");
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("loss", 0.1 + 0.2);
        values.put("grad_norm", Double.NEGATIVE_INFINITY);
        values.put("x", Double.NaN);
        values.put("skipped", false);
        values.put("tokens_seen", 1L << 40);
        values.put("note", "a\"b\n");
        values.put("unknown", OptionalDouble.empty());
        try (var metrics = MetricsWriter.open(file, 0)) {
            metrics.write(1, values);
        }
        assertEquals(
                "{\"step\":1,\"loss\":0.30000000000000004,\"grad_norm\":\"-inf\",\"x\":\"nan\",\"skipped\":false,\"tokens_seen\":1099511627776,\"note\":\"a\\\"b\\n\",\"unknown\":null}\n",
                Files.readString(file));
    }

    @Test
    void aResumedRunCutsWhatItWillWriteAgain() throws IOException {
        Path file = temporary.resolve("metrics.jsonl");
        try (var metrics = MetricsWriter.open(file, 0)) {
            for (long step = 1; step <= 12; step++) {
                metrics.write(step, Map.of("loss", 1.0));
            }
        }
        Files.writeString(file, Files.readString(file) + "{\"step\":13,\"lo");
        try (var metrics = MetricsWriter.open(file, 10)) {
            metrics.write(11, Map.of("loss", 2.0));
        }
        List<String> lines = Files.readAllLines(file);
        assertEquals(11, lines.size());
        assertEquals("{\"step\":10,\"loss\":1.0}", lines.get(9));
        assertEquals("{\"step\":11,\"loss\":2.0}", lines.get(10));
        try (var metrics = MetricsWriter.open(file, 0)) {
            metrics.write(1, Map.of());
        }
        assertEquals("{\"step\":1}\n", Files.readString(file));
    }

    @Test
    void aFileThatCannotBeWrittenIsNamed() {
        var failure = assertThrows(MetricsException.class, () -> MetricsWriter.open(temporary, 0));
        assertTrue(
                failure.getMessage().startsWith("Cannot write metrics to " + temporary),
                failure.getMessage());
    }

    @Test
    void aPlotWithoutItsFolderIsSaidInPlainWords() {
        Path absent = temporary.resolve("absent");
        Path file = absent.resolve("loss.svg");
        var failure =
                assertThrows(MetricsException.class, () -> new LossCurve().writeSvg(file, "loss"));
        assertEquals(
                "Cannot write the plot to %s: there is no folder '%s'. Give --plot a file that can be written."
                        .formatted(file, absent),
                failure.getMessage());
    }

    @Test
    void theCurveFallsFromTopLeftToBottomRight() {
        LossCurve curve = new LossCurve();
        for (int step = 1; step <= 10_000; step++) {
            curve.add(step, 6 - 5.0 * step / 10_000);
        }
        curve.add(10_001, Double.NaN);
        curve.addValidation(10_000, 1.0);
        String[] lines = curve.text(60, 9).split("\n", -1);
        assertTrue(lines[0].startsWith("   5.9") && lines[0].endsWith("***"), lines[0]);
        assertEquals(70, lines[8].length());
        assertTrue(lines[8].endsWith("o"), lines[8]);
        assertTrue(lines[10].strip().endsWith("step 10000"), lines[10]);
        String svg = curve.svg("a < b");
        assertTrue(svg.contains("a &lt; b") && svg.contains("48.0,36.0 "), svg.substring(0, 900));
        assertEquals("", new LossCurve().text(10, 5));
    }
}
