package ds.model.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.model.Activations;
import ds.model.Batch;
import ds.model.Golden;
import ds.model.SoloContext;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * One forward and backward pass with 16-bit storage is the recorded one, of the variant whose
 * residual sums and logits are not rounded on the way ({@code fusedhead_fusedres}).
 */
class RecordedSixteenBitTest {
    @ParameterizedTest
    @CsvSource({"bf16/fusedhead_fusedres,BF16", "fp16/fusedhead_fusedres_s1024,FP16"})
    void gradientsAndLogits(String id, DType type) throws Exception {
        Golden golden = Golden.read("lm16");
        Map<String, Object> recorded =
                golden.cases("cases").stream()
                        .filter(c -> c.get("id").equals(id))
                        .findFirst()
                        .orElseThrow();
        Map<String, Object> tolerances = Golden.object(recorded.get("tol_rel_l2"));
        Gpt model = RecordedTrainingTest.recordedModel(false);
        Batch batch = RecordedTrainingTest.tokens(Golden.read("train").ints("lm/x/21"), 0);
        try (var context = new SoloContext(model, type, 1)) {
            context.masters()
                    .forEach(
                            (name, master) ->
                                    master.copyFrom(
                                            FlatBuffer.ofFloats(
                                                    golden.floats(recorded.get("init") + name))));
            context.publish();
            float seed = ((Number) recorded.get("seed")).floatValue();
            try (Activations activations = model.forward(batch, context)) {
                assertEquals(
                        ((Number) recorded.get("loss")).doubleValue(),
                        activations.loss(),
                        ((Number) recorded.get("tol_loss_abs")).doubleValue());
                close(
                        "logits",
                        golden.floats(id + "/logits"),
                        activations.outputs().get("logits").toFloats(),
                        tolerances);
                model.backward(activations, seed, context);
            }
            context.masters()
                    .keySet()
                    .forEach(
                            name ->
                                    close(
                                            "grad." + name,
                                            golden.floats(id + "/grad." + name),
                                            context.gradientOf(name).toFloats(),
                                            tolerances));
        }
    }

    private static void close(
            String name, float[] expected, float[] actual, Map<String, Object> tolerances) {
        double difference = 0;
        double whole = 0;
        for (int i = 0; i < expected.length; i++) {
            double d = (double) expected[i] - actual[i];
            difference += d * d;
            whole += (double) expected[i] * expected[i];
        }
        double relative = Math.sqrt(difference / whole);
        double allowed = ((Number) tolerances.get(name)).doubleValue();
        assertTrue(
                relative <= allowed,
                () -> "%s differs by %s, allowed %s".formatted(name, relative, allowed));
    }
}
