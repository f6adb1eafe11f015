package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.config.DsConfig;
import ds.core.FlatBuffer;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.Evaluation;
import ds.engine.data.Dataset;
import ds.engine.data.Split;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.Field;
import ds.model.ForwardContext;
import ds.model.Init;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.TrainableModel;
import ds.model.Unit;
import ds.model.spi.ModelProvider.DataShape;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The loss over a data set is the mean over its targets, however they fall into batches. */
class EvaluationTest {
    private static final int IGNORED = -100;

    /** A model whose loss at a target is the target itself. */
    private static final class Echo implements TrainableModel {
        private static final ModelLayout LAYOUT =
                new ModelLayout(
                        List.of(
                                new Unit(
                                        "only",
                                        List.of(Parameter.of("weight", new Init.Normal(1), 3)))));

        @Override
        public ModelLayout layout() {
            return LAYOUT;
        }

        @Override
        public Activations forward(Batch batch, ForwardContext context) {
            long count = batch.samples() * batch.target().elementsPerSample();
            double sum = 0;
            int counted = 0;
            for (long i = 0; i < count; i++) {
                int target = batch.target().data().getAtIndex(ValueLayout.JAVA_INT, i);
                if (target != IGNORED) {
                    sum += target;
                    counted++;
                }
            }
            return new Result(counted == 0 ? 0 : sum / counted);
        }

        @Override
        public void backward(Activations a, float seed, BackwardContext context) {
            throw new AssertionError("nothing is trained here");
        }
    }

    private record Result(double loss) implements Activations {
        @Override
        public Map<String, FlatBuffer> outputs() {
            return Map.of();
        }

        @Override
        public void close() {}
    }

    /** Samples of two targets each. */
    private record Pairs(int[][] targets) implements Dataset {
        @Override
        public long samples() {
            return targets.length;
        }

        @Override
        public DataShape shape() {
            return new DataShape(2, 10, true, true);
        }

        @Override
        public Field.Type inputType() {
            return Field.Type.INT32;
        }

        @Override
        public List<Integer> inputShape() {
            return List.of(2);
        }

        @Override
        public Field.Type targetType() {
            return Field.Type.INT32;
        }

        @Override
        public List<Integer> targetShape() {
            return List.of(2);
        }

        @Override
        public String describe() {
            return Arrays.deepToString(targets);
        }

        @Override
        public Map<String, String> info() {
            return Map.of("kind", "pairs");
        }

        @Override
        public void fill(long index, Batch batch, int row) {
            for (int t = 0; t < 2; t++) {
                batch.target()
                        .data()
                        .setAtIndex(ValueLayout.JAVA_INT, 2L * row + t, targets[(int) index][t]);
            }
        }

        @Override
        public Split split(double trainShare) {
            throw new AssertionError("nothing is split here");
        }
    }

    private static Engine engine(int ranks) {
        return DeepSpeed.initialize(
                new Echo(),
                DsConfig.parse(
                        """
                        {"train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "AdamW", "params": {"lr": 1e-3}}}
                        """),
                o -> o.workers(1).ranks(ranks));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void everyTargetWeighsTheSame(int ranks) {
        var data =
                new Pairs(
                        new int[][] {
                            {1, 2}, {3, IGNORED}, // mean 2 of 3
                            {IGNORED, IGNORED}, {4, 5}, // mean 4.5 of 2
                            {IGNORED, IGNORED}, {IGNORED, IGNORED}, // nothing
                            {6, IGNORED} // mean 6 of 1, in a batch of one sample
                        });
        try (Engine engine = engine(ranks)) {
            // 1 + 2 + 3 + 4 + 5 + 6 = 21 over 6; by samples it would be 19 / 7.
            assertEquals(new Evaluation(3.5, 7, 6), engine.evaluate(data));
        }
    }

    @Test
    void dataWithoutATargetHasNoLoss() {
        var data = new Pairs(new int[][] {{IGNORED, IGNORED}});
        try (Engine engine = engine(2)) {
            var failure = assertThrows(IllegalArgumentException.class, () -> engine.evaluate(data));
            assertEquals(
                    "The data ([[-100, -100]]) has no target that counts, so there is no loss; -100 means ignored.",
                    failure.getMessage());
        }
    }
}
