package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.model.Batch;
import ds.model.Field;
import ds.model.TrainableModel;
import ds.model.builtin.Gpt;
import ds.model.builtin.Mlp;
import ds.testkit.Golden;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * DeepSpeed's own fp32 runs, with its own configurations: both models, worlds 1 and 2, stages 0 to
 * 3, offload to CPU and NVMe, accumulation, clipping and schedule. 50 steps each.
 */
class RecordedTrainingTest {
    private static final int ROWS = 8;
    private static final int TOKENS = 16;
    private static final double LOSS_TOLERANCE = 2e-5;
    private static final double NORM_TOLERANCE = 1e-3;
    private static final double RATE_TOLERANCE = 1e-12;
    private static final double PARAMETER_TOLERANCE = 1e-4;
    private static final int KEY_BIAS_FROM = 32;
    private static final int KEY_BIAS_TO = 64;

    @TempDir private Path directory;

    static Stream<String> cases() throws IOException {
        List<String> ids =
                Golden.read("train").cases("cases").stream()
                        .filter(c -> c.get("precision").equals("fp32"))
                        .map(c -> (String) c.get("id"))
                        .toList();
        assertFalse(ids.isEmpty());
        return ids.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void followsTheRecordedRun(String id) throws IOException {
        follow(id, false);
    }

    @Test
    void followsTheRecordedRunWhereActivationsAreComputedAgain() throws IOException {
        follow("lm_w1_s0_fp32", true);
    }

    private void follow(String id, boolean checkpointing) throws IOException {
        Golden golden = Golden.read("train");
        Map<String, Object> recorded =
                golden.cases("cases").stream()
                        .filter(c -> c.get("id").equals(id))
                        .findFirst()
                        .orElseThrow();
        String kind = (String) recorded.get("model");
        int world = ((Number) recorded.get("world")).intValue();
        DsConfig config = DsConfig.of(here(Golden.object(recorded.get("config"))));
        TrainableModel model = kind.equals("lm") ? languageModel(checkpointing) : Mlp.of(8, 16, 4);
        try (Engine engine = DeepSpeed.initialize(model, config, o -> o.ranks(world).workers(1))) {
            engine.loadParameters(name -> golden.floats(kind + "/init/" + name));
            for (int step = 0; step < numbers(recorded, "loss").size(); step++) {
                StepReport report = engine.trainStep(batch(golden, kind, step));
                compare(recorded, "loss", step, report.loss(), LOSS_TOLERANCE);
                compare(recorded, "lr", step, report.lr(), RATE_TOLERANCE);
                compare(recorded, "grad_norm", step, report.gradNorm(), NORM_TOLERANCE);
            }
            if (golden.has(
                    "%s/final/%s".formatted(id, model.layout().storages().getFirst().name()))) {
                model.layout()
                        .storages()
                        .forEach(
                                parameter ->
                                        compare(
                                                parameter.name(),
                                                golden.floats(id + "/final/" + parameter.name()),
                                                engine.parameter(parameter.name())));
            }
        }
    }

    private static List<?> numbers(Map<String, Object> recorded, String key) {
        return (List<?>) recorded.get(key);
    }

    private static void compare(
            Map<String, Object> recorded, String key, int step, double actual, double tolerance) {
        if (numbers(recorded, key).get(step) instanceof Number expected) {
            double value = expected.doubleValue();
            assertEquals(value, actual, tolerance * Math.abs(value), key + " of step " + step);
        }
    }

    /** The key bias has a gradient of zero but for rounding noise, which Adam blows up. */
    private static void compare(String name, float[] expected, float[] actual) {
        assertEquals(expected.length, actual.length, name);
        for (int i = 0; i < expected.length; i++) {
            boolean noise = name.endsWith("bqkv") && i >= KEY_BIAS_FROM && i < KEY_BIAS_TO;
            if (!noise) {
                assertEquals(expected[i], actual[i], PARAMETER_TOLERANCE, name + "[" + i + "]");
            }
        }
    }

    /** Returns the recorded configuration; nvme gets the path that was left out when recording. */
    private Map<String, Object> here(Map<String, Object> config) {
        Map<String, Object> result = new HashMap<>(config);
        result.replaceAll(
                (_, value) -> value instanceof Map<?, ?> ? here(Golden.object(value)) : value);
        if ("nvme".equals(result.get("device"))) {
            result.put("nvme_path", directory.toString());
        }
        return result;
    }

    /** The fixtures' language model. */
    static Gpt languageModel(boolean checkpointing) {
        return Gpt.of(
                g ->
                        g.layers(2)
                                .width(32)
                                .heads(2)
                                .context(TOKENS)
                                .vocabulary(32)
                                .feedForward(64)
                                .tied(false)
                                .checkpointing(checkpointing));
    }

    static Batch batch(Golden golden, String kind, int step) {
        int row = step * ROWS;
        if (kind.equals("mlp")) {
            return new Batch(
                    row,
                    ROWS,
                    floats(golden.floats("mlp/x/21"), row, 8),
                    floats(golden.floats("mlp/y/21"), row, 4));
        }
        return tokens(golden, row, ROWS);
    }

    /** Returns recorded samples of the language model. */
    static Batch tokens(Golden golden, int row, int samples) {
        int[] ids = golden.ints("lm/x/21");
        List<Integer> input = new ArrayList<>();
        List<Integer> target = new ArrayList<>();
        for (int i = 0; i < samples; i++) {
            int from = (row + i) * (TOKENS + 1);
            for (int t = 0; t < TOKENS; t++) {
                input.add(ids[from + t]);
                target.add(ids[from + t + 1]);
            }
        }
        return new Batch(row, samples, tokens(input), tokens(target));
    }

    private static Field floats(float[] all, int row, int width) {
        float[] part = Arrays.copyOfRange(all, row * width, (row + ROWS) * width);
        return new Field(Field.Type.FLOAT32, List.of(width), MemorySegment.ofArray(part));
    }

    private static Field tokens(List<Integer> ids) {
        int[] values = ids.stream().mapToInt(Integer::intValue).toArray();
        return new Field(Field.Type.INT32, List.of(TOKENS), MemorySegment.ofArray(values));
    }
}
