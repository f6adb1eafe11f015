package ds.benchmarks;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.Optimizers;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StepContext;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Muon's step of one matrix, nearly all of it the Newton–Schulz iteration, beside our own square SGEMM
 * on the same workers. Only the iteration's products count as work.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 1, time = 1)
@Measurement(iterations = 4, time = 1)
public class MuonBenchmark {
    /** Created by JMH. */
    public MuonBenchmark() {}

    /** One matrix in the middle of a run. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public static class Weights {
        /** Rows and columns. */
        @Param({"256x256", "512x512", "1024x1024", "256x1024"})
        public String shape = "1024x1024";

        /** Rows, columns and depth of the product beside it. */
        @Param("1024")
        public int product;

        /** Worker threads. */
        @Param({"1", "2"})
        public int workers;

        private Ceiling ceiling;
        private Rig rig;
        private Optimizer made;
        private Optimizer.Matrix kind;
        private Shard shard;
        private FlatBuffer scratch;
        private long steps;

        /** Created by JMH. */
        public Weights() {}

        /** Allocates and fills. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            ceiling = times;
            rig = Rig.of(workers);
            List<Integer> sizes = Stream.of(shape.split("x", -1)).map(Integer::valueOf).toList();
            var parameter = new ParameterSpec("weights", sizes, Set.of());
            var provider = Optimizers.in(ModuleLayer.boot()).require("muon");
            made =
                    provider.create(
                            Settings.validate(provider.settings(), Map.of("lr", 1e-3), "")
                                    .settings());
            if (!(made.kind(parameter) instanceof Optimizer.Matrix matrix)) {
                throw new AssertionError("muon steps matrices");
            }
            kind = matrix;
            long elements = (long) sizes.getFirst() * sizes.getLast();
            shard =
                    new Shard(
                            rig.values(DType.FP32, elements),
                            rig.values(DType.FP32, elements),
                            made.slots(parameter).stream().map(_ -> state(elements)).toList(),
                            List.of(new ParameterRange(parameter, 0, 0, elements)),
                            Optional.empty());
            scratch = state(kind.scratchElements(parameter));
            double operations = operations(sizes.getFirst(), sizes.getLast());
            rig.rivalSgemm(ceiling, operations, product);
            ceiling.warmUp(this::step);
        }

        /** Returns the operations in products: five rounds of three of them, or Gram's way. */
        private static double operations(double rows, double columns) {
            double n = Math.min(rows, columns);
            double m = Math.max(rows, columns);
            return rows == columns ? 30 * n * n * n : 8 * n * n * m + 28 * n * n * n;
        }

        private Shard step() {
            long t = ++steps;
            var context = new StepContext(t, t, t, made.base(), 1f, rig.kernels());
            kind.step(shard, context, scratch);
            return shard;
        }

        private FlatBuffer state(long elements) {
            return rig.memory().allocate(MemoryKind.OPTIMIZER_STATES, DType.FP32, elements);
        }

        /** Gives the product its turn. */
        @Setup(Level.Invocation)
        public void rival() {
            ceiling.next();
        }

        /** Frees everything. */
        @TearDown(Level.Trial)
        public void close() {
            rig.close();
        }
    }

    /** Steps the matrix once. */
    @Benchmark
    public Object step(Weights weights) {
        return weights.step();
    }
}
