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
import ds.testkit.FixtureReport;
import ds.testkit.Golden;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

    private static List<String> cases() throws IOException {
        List<String> ids =
                Golden.read("train").cases("cases").stream()
                        .filter(c -> c.get("precision").equals("fp32"))
                        .map(c -> (String) c.get("id"))
                        .toList();
        assertFalse(ids.isEmpty());
        return ids;
    }

    @Test
    @Tag("fixtures")
    void everyRecordedRunIsFollowed() throws IOException {
        Assumptions.assumeTrue(Golden.isPresent("train"), "no train fixtures in this folder");
        FixtureReport report = new FixtureReport("train");
        for (String id : cases()) {
            follow(id, false, report);
        }
        System.out.println(report);
        assertEquals(List.of(), report.outside());
    }

    @Test
    void followsTheRecordedRunWhereActivationsAreComputedAgain() throws IOException {
        FixtureReport report = new FixtureReport("train");
        follow("lm_w1_s0_fp32", true, report);
        assertEquals(List.of(), report.outside());
    }

    private void follow(String id, boolean checkpointing, FixtureReport report) throws IOException {
        Golden golden = Golden.read("train");
        Map<String, Object> recorded = golden.find("cases", id);
        String kind = (String) recorded.get("model");
        int world = ((Number) recorded.get("world")).intValue();
        DsConfig config = DsConfig.of(here(Golden.object(recorded.get("config"))));
        TrainableModel model = kind.equals("lm") ? languageModel(checkpointing) : Mlp.of(8, 16, 4);
        try (Engine engine = DeepSpeed.initialize(model, config, o -> o.ranks(world).workers(1))) {
            engine.loadParameters(name -> golden.floats(kind + "/init/" + name));
            for (int step = 0; step < numbers(recorded, "loss").size(); step++) {
                StepReport made = engine.trainStep(batch(golden, kind, step));
                compare(recorded, "loss", step, made.loss(), LOSS_TOLERANCE, report);
                compare(recorded, "lr", step, made.lr(), RATE_TOLERANCE, report);
                compare(recorded, "grad_norm", step, made.gradNorm(), NORM_TOLERANCE, report);
            }
            if (golden.has(
                    "%s/final/%s".formatted(id, model.layout().storages().getFirst().name()))) {
                model.layout()
                        .storages()
                        .forEach(
                                parameter ->
                                        compare(
                                                id,
                                                parameter.name(),
                                                golden.floats(id + "/final/" + parameter.name()),
                                                engine.parameter(parameter.name()),
                                                report));
            }
        }
    }

    private static List<?> numbers(Map<String, Object> recorded, String key) {
        return (List<?>) recorded.get(key);
    }

    private static void compare(
            Map<String, Object> recorded,
            String key,
            int step,
            double actual,
            double tolerance,
            FixtureReport report) {
        if (numbers(recorded, key).get(step) instanceof Number expected) {
            double value = expected.doubleValue();
            double off = value == actual ? 0 : Math.abs(value - actual) / Math.abs(value);
            report.add((String) recorded.get("id"), key + " of step " + step, off, tolerance);
        }
    }

    /** The key bias has a gradient of zero but for rounding noise, which Adam blows up. */
    private static void compare(
            String id, String name, float[] expected, float[] actual, FixtureReport report) {
        assertEquals(expected.length, actual.length, name);
        for (int i = 0; i < expected.length; i++) {
            boolean noise = name.endsWith("bqkv") && i >= KEY_BIAS_FROM && i < KEY_BIAS_TO;
            if (!noise) {
                double off = Math.abs((double) expected[i] - actual[i]);
                report.add(id, name + "[" + i + "]", off, PARAMETER_TOLERANCE);
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
