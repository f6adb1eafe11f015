package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operation forward and backward in bf16 and fp16 gives the recorded values, 290 cases: formulas
 * in fp64, rounded once. And the comparison can fail: without the last rounding, or with one more.
 */
class RecordedOperationsTest {
    private static final int CASES = 290;

    /** What is exact, so that it does not matter whether it is rounded. */
    private static final Set<String> COPIES = Set.of("relu", "relu_bwd", "embedding", "scale");

    /** Rows so small that beta is all that is left: bf16 values without a rounding. */
    private static final String BETA_ALONE = "layernorm/bf16/small/7x40_eps1e-05";

    private static Golden golden;
    private static Workers workers;
    private static Kernels kernels;

    @BeforeAll
    static void open() throws IOException {
        golden = Golden.read("ops16");
        workers = new Workers("recorded", 2);
        kernels =
                KernelsProviders.in(ModuleLayer.boot())
                        .require(KernelsProviders.HOST)
                        .create(workers);
    }

    @AfterAll
    static void close() {
        workers.close();
    }

    static List<String> cases() throws IOException {
        List<String> ids =
                Golden.read("ops16").cases("cases").stream()
                        .map(c -> (String) c.get("id"))
                        .toList();
        assertEquals(CASES, ids.size());
        return ids;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void givesTheRecordedValues(String id) {
        Map<String, Object> recorded = recorded(id);
        assertEquals(Optional.empty(), mistake(recorded, run(recorded, type(recorded))), () -> id);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void failsWithoutTheLastRounding(String id) {
        Map<String, Object> recorded = recorded(id);
        if (!COPIES.contains(recorded.get("op")) && !id.equals(BETA_ALONE)) {
            assertTrue(mistake(recorded, run(recorded, DType.FP32)).isPresent(), id);
        }
    }

    /** Each operation that has something in the middle, which is rounded too. */
    @Test
    void failsWithOneRoundingMore() {
        Set<String> caught = new TreeSet<>();
        for (Map<String, Object> recorded : golden.cases("cases")) {
            RecordedOperation operation =
                    new RecordedOperation(
                            golden, kernels, recorded, type(recorded), type(recorded));
            Map<String, float[]> twice = operation.roundedTwice();
            if (!twice.isEmpty() && mistake(recorded, twice).isPresent()) {
                caught.add(recorded.get("op") + " in " + recorded.get("dtype"));
            }
        }
        assertEquals(
                Set.of(
                        "bias_gelu in bf16",
                        "bias_gelu in fp16",
                        "matmul_bias in bf16",
                        "matmul_bias in fp16",
                        "rmsnorm in bf16",
                        "rmsnorm in fp16",
                        "swiglu in bf16",
                        "swiglu in fp16"),
                caught);
    }

    private static Map<String, Object> recorded(String id) {
        return golden.find("cases", id);
    }

    private static DType type(Map<String, Object> recorded) {
        return recorded.get("dtype").equals("bf16") ? DType.BF16 : DType.FP16;
    }

    private static Map<String, float[]> run(Map<String, Object> recorded, DType stored) {
        return new RecordedOperation(golden, kernels, recorded, type(recorded), stored).run();
    }

    /** Returns the first output that is not as recorded. */
    private static Optional<String> mistake(
            Map<String, Object> recorded, Map<String, float[]> outputs) {
        for (Map.Entry<String, Object> entry : Golden.object(recorded.get("outputs")).entrySet()) {
            Map<String, Object> output = Golden.object(entry.getValue());
            float[] actual = outputs.get(entry.getKey());
            // The record has both kinds of delta in the gradients of attention.
            boolean other = outputs.containsKey(entry.getKey() + "_ostored");
            if (other) {
                continue;
            }
            if (actual == null) {
                return Optional.of("no " + entry.getKey());
            }
            Optional<String> wrong = StoredValues.compare(golden, output, type(recorded), actual);
            if (wrong.isPresent()) {
                return wrong;
            }
        }
        return Optional.empty();
    }
}
