package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.core.DType;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.ForwardContext;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.TrainableModel;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * One forward and backward pass with 16-bit storage is the recorded one, of the variant whose
 * residual sums and logits are not rounded on the way ({@code fusedhead_fusedres}). A step of plain
 * descent at rate 1 shows the gradients.
 */
class RecordedSixteenBitTest {
    private static final int SAMPLES = 4;

    /** Keeps the logits of the last forward pass. */
    private static final class Listening implements TrainableModel {
        private final TrainableModel model;
        private float[] logits = new float[0];

        Listening(TrainableModel model) {
            this.model = model;
        }

        @Override
        public ModelLayout layout() {
            return model.layout();
        }

        @Override
        public Activations forward(Batch batch, ForwardContext context) {
            Activations made = model.forward(batch, context);
            logits = made.outputs().get("logits").toFloats();
            return made;
        }

        @Override
        public void backward(Activations activations, float lossSeed, BackwardContext context) {
            model.backward(activations, lossSeed, context);
        }
    }

    private static DsConfig config(DType type, float seed) {
        return DsConfig.parse(
                """
                {"train_batch_size": %d, "gradient_clipping": 0,
                 "optimizer": {"type": "SGD", "params": {"lr": 1.0}},
                 "%s": {"enabled": true%s}}
                """
                        .formatted(
                                SAMPLES,
                                type.jsonName(),
                                type == DType.FP16 ? ", \"loss_scale\": " + seed : ""));
    }

    @ParameterizedTest
    @CsvSource({"bf16/fusedhead_fusedres,BF16", "fp16/fusedhead_fusedres_s1024,FP16"})
    void gradientsAndLogits(String id, DType type) throws IOException {
        Golden golden = Golden.read("lm16");
        Map<String, Object> recorded = golden.find("cases", id);
        Map<String, Object> tolerances = Golden.object(recorded.get("tol_rel_l2"));
        float seed = ((Number) recorded.get("seed")).floatValue();
        Listening model = new Listening(RecordedTrainingTest.languageModel(false));
        Batch batch = RecordedTrainingTest.tokens(Golden.read("train"), 0, SAMPLES);
        try (Engine engine = DeepSpeed.initialize(model, config(type, seed), o -> o.workers(1))) {
            engine.loadParameters(name -> golden.floats(recorded.get("init") + name));
            double loss = engine.trainStep(batch).loss();
            assertEquals(
                    ((Number) recorded.get("loss")).doubleValue(),
                    loss,
                    ((Number) recorded.get("tol_loss_abs")).doubleValue());
            close("logits", golden.floats(id + "/logits"), model.logits, tolerances);
            for (Parameter parameter : model.layout().storages()) {
                String name = parameter.name();
                float[] gradient = golden.floats(recorded.get("init") + name);
                float[] after = engine.parameter(name);
                for (int i = 0; i < gradient.length; i++) {
                    gradient[i] = (gradient[i] - after[i]) * seed;
                }
                close("grad." + name, golden.floats(id + "/grad." + name), gradient, tolerances);
            }
        }
    }

    private static void close(
            String name, float[] expected, float[] actual, Map<String, Object> tolerances) {
        assertEquals(expected.length, actual.length, name);
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
