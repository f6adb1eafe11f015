package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.model.TrainableModel;
import ds.model.builtin.Mlp;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * DeepSpeed's own bf16 and fp16 runs, with its own configurations: the losses stay close although
 * roundings differ, and in fp16 the loss scale, the steps that are skipped and so the learning rate
 * are the same at every one of 50 steps, but for the runs that part by a rounding. Runs that are
 * marked as a defect of DeepSpeed are not matched.
 */
class RecordedSixteenBitTrainingTest {
    private static final int LAST = 10;
    private static final double BF16 = 5e-3;

    /** DeepSpeed keeps bf16 masters at stage 0, and its stages differ by 1.3 % from one another. */
    private static final double BF16_STAGE_0 = 1.5e-2;

    /** What the record itself allows. */
    private static final double FP16 = 5e-2;

    /**
     * The steps up to which the courses of the loss scale are the same, where they part; what comes
     * after is another run. On two ranks
     * at stage 1 DeepSpeed looks at each rank's own sum, so that its stages 1 and 2 part there too; on
     * one rank a bias gradient of the language model is 65,360 here and overflowed there.
     */
    private static final Map<String, Integer> PARTED =
            Map.of(
                    "lm_w1_s1_fp16", 31,
                    "lm_w1_s2_fp16", 31,
                    "lm_w1_s3_fp16", 31,
                    "mlp_w2_s1_fp16", 19,
                    "lm_w2_s1_fp16", 21);

    static Stream<String> cases() throws IOException {
        List<String> ids =
                Golden.read("train").cases("cases").stream()
                        .filter(c -> !c.get("precision").equals("fp32"))
                        .filter(c -> !c.containsKey("peer_bug"))
                        .map(c -> (String) c.get("id"))
                        .toList();
        assertFalse(ids.isEmpty());
        return ids.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void staysCloseToTheRecordedRun(String id) throws IOException {
        Golden golden = Golden.read("train");
        Map<String, Object> recorded =
                golden.cases("cases").stream()
                        .filter(c -> c.get("id").equals(id))
                        .findFirst()
                        .orElseThrow();
        String kind = (String) recorded.get("model");
        int world = ((Number) recorded.get("world")).intValue();
        DsConfig config = DsConfig.of(Golden.object(recorded.get("config")));
        TrainableModel model =
                kind.equals("lm") ? RecordedTrainingTest.languageModel(false) : Mlp.of(8, 16, 4);
        List<StepReport> reports = new ArrayList<>();
        try (Engine engine = DeepSpeed.initialize(model, config, o -> o.ranks(world).workers(1))) {
            engine.loadParameters(name -> golden.floats(kind + "/init/" + name));
            for (int step = 0; step < numbers(recorded, "loss").size(); step++) {
                reports.add(engine.trainStep(RecordedTrainingTest.batch(golden, kind, step)));
            }
        }
        boolean half = recorded.get("precision").equals("fp16");
        int together = half ? PARTED.getOrDefault(id, reports.size()) : reports.size();
        assertEquals(
                numbers(recorded, "lr").subList(0, together),
                reports.stream().map(StepReport::lr).toList().subList(0, together));
        if (half) {
            assertEquals(
                    numbers(recorded, "loss_scale").subList(0, together),
                    reports.stream().map(StepReport::lossScale).toList().subList(0, together));
        }
        if (together == reports.size()) {
            assertEquals(
                    ((Number) recorded.get("skipped_steps")).longValue(),
                    reports.stream().filter(StepReport::skipped).count());
        }
        List<Double> losses = numbers(recorded, "loss");
        double tolerance = half ? FP16 : recorded.get("stage").equals(0L) ? BF16_STAGE_0 : BF16;
        for (int step = together - LAST; step < together; step++) {
            double off = reports.get(step).loss() / losses.get(step) - 1;
            assertTrue(
                    Math.abs(off) <= tolerance,
                    "the loss of step %d is off by %s".formatted(step, off));
        }
    }

    private static List<Double> numbers(Map<String, Object> recorded, String key) {
        return ((List<?>) recorded.get(key))
                .stream().map(value -> ((Number) value).doubleValue()).toList();
    }
}
