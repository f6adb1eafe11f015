package ds.engine.plan;

import ds.core.FlatBuffer;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.util.List;
import java.util.function.UnaryOperator;

/** Kinds that step as another does, but see another context: the hyper-parameters of their group. */
final class GroupKinds {
    private GroupKinds() {}

    /** Returns {@code inner} in the context that {@code seen} makes of the runtime's. */
    static Optimizer.Kind of(Optimizer.Kind inner, UnaryOperator<StepContext> seen) {
        return switch (inner) {
            case Optimizer.Element element -> new ElementOf(element, seen);
            case Optimizer.Norm norm -> new NormOf(norm, seen);
            case Optimizer.Matrix matrix -> new MatrixOf(matrix, seen);
            case Optimizer.Replica replica -> new ReplicaOf(replica, seen);
        };
    }

    private record ElementOf(Optimizer.Element inner, UnaryOperator<StepContext> seen)
            implements Optimizer.Element {
        @Override
        public void step(Shard shard, StepContext context) {
            inner.step(shard, seen.apply(context));
        }
    }

    private record NormOf(Optimizer.Norm inner, UnaryOperator<StepContext> seen)
            implements Optimizer.Norm {
        @Override
        public int norms() {
            return inner.norms();
        }

        @Override
        public void measure(Shard shard, StepContext context, List<FlatBuffer> measured) {
            inner.measure(shard, seen.apply(context), measured);
        }

        @Override
        public void apply(Shard shard, StepContext context, List<double[]> norms) {
            inner.apply(shard, seen.apply(context), norms);
        }
    }

    private record MatrixOf(Optimizer.Matrix inner, UnaryOperator<StepContext> seen)
            implements Optimizer.Matrix {
        @Override
        public long scratchElements(ParameterSpec parameter) {
            return inner.scratchElements(parameter);
        }

        @Override
        public void step(Shard wholeMatrix, StepContext context, FlatBuffer scratch) {
            inner.step(wholeMatrix, seen.apply(context), scratch);
        }
    }

    private record ReplicaOf(Optimizer.Replica inner, UnaryOperator<StepContext> seen)
            implements Optimizer.Replica {
        @Override
        public Gradients gradients(long appliedSteps) {
            return inner.gradients(appliedSteps);
        }

        @Override
        public long keptElements(List<ParameterSpec> parameters, int ranks) {
            return inner.keptElements(parameters, ranks);
        }

        @Override
        public void step(
                List<Shard> replicas,
                StepContext context,
                Optimizer.Exchange exchange,
                FlatBuffer kept) {
            inner.step(replicas, seen.apply(context), exchange, kept);
        }
    }
}
