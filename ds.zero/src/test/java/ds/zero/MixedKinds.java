package ds.zero;

import ds.core.FlatBuffer;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;

/**
 * Steps the block's weight as a whole matrix, the table and the positions by their norms, and the
 * rest element by element: all kinds that work at every stage, side by side. The matrix has only the
 * second of two slots.
 */
final class MixedKinds implements Optimizer {
    private final Element element = new Momentum();
    private final Norm norm = new Trusting();
    private final Matrix matrix = new RowsMinusTheirMean();

    @Override
    public Hyper base() {
        return new Hyper(0.1, 0.9, 0);
    }

    @Override
    public List<StateSlot> slots() {
        return List.of(new StateSlot("momentum"), new StateSlot("of_matrices"));
    }

    @Override
    public List<StateSlot> slots(ParameterSpec parameter) {
        return kind(parameter) == matrix ? slots().subList(1, 2) : slots();
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        if (parameter.name().equals("block.weight")) {
            return matrix;
        }
        return parameter.name().startsWith("embed.") ? norm : element;
    }

    private static void put(Shard shard, long i, float w) {
        shard.master().set(i, w);
        shard.copyOut().ifPresent(copy -> copy.set(i, w));
    }

    /** LAMB without its second moment: the step is scaled by |weights| / |momentum|. */
    private static final class Trusting implements Norm {
        @Override
        public int norms() {
            return 2;
        }

        @Override
        public void measure(Shard shard, StepContext context, List<FlatBuffer> measured) {
            FlatBuffer momentum = shard.slots().getFirst();
            for (ParameterRange range : shard.ranges()) {
                for (long i = range.shardOffset(); i < range.shardOffset() + range.length(); i++) {
                    float g = shard.gradient().get(i) * context.gradientScale();
                    momentum.set(i, 0.9f * momentum.get(i) + g);
                    measured.get(0).set(i, shard.master().get(i));
                    measured.get(1).set(i, momentum.get(i));
                }
            }
        }

        @Override
        public void apply(Shard shard, StepContext context, List<double[]> norms) {
            for (int r = 0; r < shard.ranges().size(); r++) {
                ParameterRange range = shard.ranges().get(r);
                float trust = (float) (0.01 * norms.get(r)[0] / (norms.get(r)[1] + 1e-6));
                for (long i = range.shardOffset(); i < range.shardOffset() + range.length(); i++) {
                    put(shard, i, shard.master().get(i) - trust * shard.slots().getFirst().get(i));
                }
            }
        }
    }

    /** Takes the mean gradient of the whole matrix away, which no part of it could do. */
    private static final class RowsMinusTheirMean implements Matrix {
        @Override
        public long scratchElements(ParameterSpec parameter) {
            return 7;
        }

        @Override
        public void step(Shard whole, StepContext context, FlatBuffer scratch) {
            if (scratch.lengthElements() != 7) {
                throw new IllegalStateException("Not what was asked for: " + scratch);
            }
            if (whole.slots().size() != 1) {
                throw new IllegalStateException("Not its one slot: " + whole.slots());
            }
            if (whole.length() != 48 * 96 || whole.ranges().size() != 1) {
                throw new IllegalStateException("Not the whole matrix: " + whole.ranges());
            }
            FlatBuffer momentum = whole.slots().getFirst();
            double sum = 0;
            for (long i = 0; i < whole.length(); i++) {
                sum += whole.gradient().get(i);
            }
            float mean = (float) (sum / whole.length());
            for (long i = 0; i < whole.length(); i++) {
                float g = (whole.gradient().get(i) - mean) * context.gradientScale();
                momentum.set(i, 0.9f * momentum.get(i) + g);
                put(whole, i, whole.master().get(i) - 0.1f * momentum.get(i));
            }
        }
    }
}
