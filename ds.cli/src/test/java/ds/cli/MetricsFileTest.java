package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** The lines of {@code --metrics} hold what docs/metrics.md says, and it is true. */
class MetricsFileTest {
    private static final int SAMPLES = 8;
    private static final int CONTEXT = 16;

    @TempDir private Path temporary;

    /** Trains 5 steps of 2 x 2 micro-batches and returns the lines. */
    private List<Map<String, Object>> train(String more) throws IOException {
        Path config =
                Files.writeString(
                        temporary.resolve("ds.json"),
                        """
                        {"train_batch_size": %d, "train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.01}},
                         "gradient_clipping": 1e-3, %s}
                        """
                                .formatted(SAMPLES, more));
        Path text =
                Files.writeString(
                        temporary.resolve("text.txt"),
                        "It was the best of times, it was the worst of times. ".repeat(40));
        Path metrics = temporary.resolve("metrics.jsonl");
        Ran ran =
                Ran.ds(
                        "train",
                        "--config",
                        config,
                        "--data",
                        text,
                        "--model",
                        "gpt:layers=1,width=16,heads=2,context=" + CONTEXT,
                        "--steps",
                        5,
                        "--eval-every",
                        1, // gathers and reads too, but is no part of a step
                        "--world-size",
                        2,
                        "--metrics",
                        metrics);
        assertEquals(0, ran.status(), ran.messages());
        return Files.readAllLines(metrics).stream().map(MetricsFileTest::read).toList();
    }

    private static Map<String, Object> read(String line) {
        Map<String, Object> values = new LinkedHashMap<>();
        try (JsonParser parser = new JsonFactory().createParser(ObjectReadContext.empty(), line)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                values.put(
                        name,
                        switch (parser.nextToken()) {
                            case VALUE_TRUE -> true;
                            case VALUE_FALSE -> false;
                            case VALUE_NULL -> null;
                            case VALUE_STRING -> parser.getString();
                            default -> parser.getDoubleValue();
                        });
            }
        }
        return values;
    }

    private static List<String> documented() throws IOException {
        return Files.readAllLines(Path.of("../docs/metrics.md")).stream()
                .filter(line -> line.startsWith("| `"))
                .map(line -> line.substring(3, line.indexOf('`', 3)))
                .toList();
    }

    private static double number(Map<String, Object> line, String key) {
        return (Double) line.get(key);
    }

    private static void assertTimesFit(Map<String, Object> line) {
        double parts = number(line, "io_stall");
        for (Map.Entry<String, Object> value : line.entrySet()) {
            if (value.getKey().endsWith("_seconds")) {
                double part = (Double) value.getValue();
                assertTrue(part >= 0, line::toString);
                parts += part;
            }
        }
        assertEquals(number(line, "seconds"), parts, 1e-9 * line.size(), line::toString);
        assertTrue(number(line, "forward_seconds") > 0, line::toString);
        assertTrue(number(line, "backward_seconds") > 0, line::toString);
    }

    @Test
    void everyKeyIsDocumentedAndCountsWhatItSays() throws IOException {
        List<Map<String, Object>> lines = train("\"zero_optimization\": {\"stage\": 3}");
        assertEquals(5, lines.size());
        for (int i = 0; i < lines.size(); i++) {
            Map<String, Object> line = lines.get(i);
            assertEquals(documented(), List.copyOf(line.keySet()));
            assertEquals(i + 1, number(line, "step"));
            assertEquals((i + 1) * SAMPLES, number(line, "samples_seen"));
            assertEquals((i + 1) * SAMPLES * CONTEXT, number(line, "tokens_seen"));
            assertEquals(
                    SAMPLES * CONTEXT / number(line, "seconds"),
                    number(line, "tokens_per_second"),
                    1e-6 * number(line, "tokens_per_second"));
            assertEquals(0.01, number(line, "lr"));
            assertTrue(number(line, "grad_norm") > 1e-3, "before clipping");
            assertEquals(1, number(line, "loss_scale"));
            assertEquals(false, line.get("skipped"));
            if (i == 0) {
                assertNull(line.get("gemm_share"));
            } else {
                double share = number(line, "gemm_share");
                assertTrue(share > 0 && share <= 1, line::toString);
            }
            assertEquals(0, number(line, "io_stall"));
            assertEquals(0, number(line, "io_read_bytes"));
            assertEquals(0, number(line, "io_written_bytes"));
            assertNull(line.get("io_overlap"));
            assertTimesFit(line);
        }
    }

    @Test
    void waitingForStorageIsAPhaseOfItsOwn() throws IOException {
        String offload =
                """
                "zero_optimization": {"stage": 3,
                  "offload_param": {"device": "nvme", "nvme_path": "%s", "max_in_cpu": 0},
                  "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}}
                """;
        Path nvme = Files.createDirectory(temporary.resolve("nvme"));
        List<Double> written = new ArrayList<>();
        for (Map<String, Object> line : train(offload.formatted(nvme, nvme))) {
            assertTimesFit(line);
            double stall = number(line, "io_stall");
            assertTrue(stall > 0, line::toString);
            double overlap = number(line, "io_overlap");
            assertTrue(overlap >= 0 && overlap <= 1, line::toString);
            written.add(number(line, "io_written_bytes"));
            // Three arrays are stepped, and parameters as long written. The first step gathers
            // them,
            // each later one reads them ahead for the evaluation that follows.
            assertEquals(written.getLast(), number(line, "io_read_bytes"), line::toString);
        }
        assertEquals(1, Set.copyOf(written).size(), "each step writes as much: " + written);
        assertTrue(written.getFirst() > 0);
    }

    @Test
    void anOverflowIsALineLikeAnyOther() throws IOException {
        List<Map<String, Object>> lines =
                train("\"fp16\": {\"enabled\": true, \"initial_scale_power\": 40}");
        Map<String, Object> first = lines.getFirst();
        assertEquals(true, first.get("skipped"));
        assertEquals(0x1p40, number(first, "loss_scale"));
        assertTrue(List.of("inf", "nan").contains(first.get("grad_norm")), first::toString);
        assertEquals(SAMPLES, number(first, "samples_seen"));
    }
}
