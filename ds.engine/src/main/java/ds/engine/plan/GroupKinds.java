package ds.engine.plan;

import ds.core.FlatBuffer;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** Kinds that step as another does, with something around: another context, or a guard. */
final class GroupKinds {
    /** What is done around the calls of a kind. */
    interface Around {
        /** Makes {@code call}, which steps, with this context or another. */
        void step(String method, StepContext context, Consumer<StepContext> call);

        /** Makes {@code call}, which asks. */
        default <T> T ask(String method, Supplier<T> call) {
            return call.get();
        }
    }

    private GroupKinds() {}

    /** Returns {@code inner} in the context that {@code seen} makes of the runtime's. */
    static Optimizer.Kind of(Optimizer.Kind inner, UnaryOperator<StepContext> seen) {
        return around(inner, (_, context, call) -> call.accept(seen.apply(context)));
    }

    /** Returns {@code inner}, each of whose calls is made by {@code seen}. */
    static Optimizer.Kind around(Optimizer.Kind inner, Around seen) {
        return switch (inner) {
            case Optimizer.Element element -> new ElementOf(element, seen);
            case Optimizer.Norm norm -> new NormOf(norm, seen);
            case Optimizer.Matrix matrix -> new MatrixOf(matrix, seen);
            case Optimizer.Replica replica -> new ReplicaOf(replica, seen);
        };
    }

    private record ElementOf(Optimizer.Element inner, Around seen) implements Optimizer.Element {
        @Override
        public void step(Shard shard, StepContext context) {
            seen.step("step", context, seenAs -> inner.step(shard, seenAs));
        }
    }

    private record NormOf(Optimizer.Norm inner, Around seen) implements Optimizer.Norm {
        @Override
        public int norms() {
            return seen.ask("norms()", inner::norms);
        }

        @Override
        public void measure(Shard shard, StepContext context, List<FlatBuffer> measured) {
            seen.step("measure", context, seenAs -> inner.measure(shard, seenAs, measured));
        }

        @Override
        public void apply(Shard shard, StepContext context, List<double[]> norms) {
            seen.step("apply", context, seenAs -> inner.apply(shard, seenAs, norms));
        }
    }

    private record MatrixOf(Optimizer.Matrix inner, Around seen) implements Optimizer.Matrix {
        @Override
        public long scratchElements(ParameterSpec parameter) {
            return seen.ask("scratchElements", () -> inner.scratchElements(parameter));
        }

        @Override
        public void step(Shard wholeMatrix, StepContext context, FlatBuffer scratch) {
            seen.step("step", context, seenAs -> inner.step(wholeMatrix, seenAs, scratch));
        }
    }

    private record ReplicaOf(Optimizer.Replica inner, Around seen) implements Optimizer.Replica {
        @Override
        public Gradients gradients(long appliedSteps) {
            return seen.ask("gradients", () -> inner.gradients(appliedSteps));
        }

        @Override
        public long keptElements(List<ParameterSpec> parameters, int ranks) {
            return seen.ask("keptElements", () -> inner.keptElements(parameters, ranks));
        }

        @Override
        public void step(
                List<Shard> replicas,
                StepContext context,
                Optimizer.Exchange exchange,
                FlatBuffer kept) {
            seen.step("step", context, seenAs -> inner.step(replicas, seenAs, exchange, kept));
        }
    }
}
