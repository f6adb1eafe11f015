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

/** Steps of AdamW beside loops that do nothing but move the same arrays. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 1, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class AdamBenchmark {
    private static final int BYTES = 28;
    private static final int BYTES_WITH_COPY = 30;

    /** Created by JMH. */
    public AdamBenchmark() {}

    /** One shard in the middle of a run. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public static class Parameters {
        /** Parameters stepped. */
        @Param({"1048576", "16777216"})
        public int elements;

        /** The 16-bit copy of the new weights: none or bf16. */
        @Param({"none", "bf16"})
        public String copy = "none";

        /** Worker threads. */
        @Param({"1", "2"})
        public int workers;

        private Ceiling ceiling;
        private Rig rig;
        private Optimizer optimizer;
        private Optimizer.Element kind;
        private Shard shard;
        private long steps;

        /** Created by JMH. */
        public Parameters() {}

        /** Allocates and fills. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            ceiling = times;
            rig = Rig.of(workers);
            var provider = Optimizers.in(ModuleLayer.boot()).require("adamw");
            optimizer =
                    provider.create(
                            Settings.validate(provider.settings(), Map.of("lr", 1e-3), "")
                                    .settings());
            var parameter = new ParameterSpec("weights", List.of(elements), Set.of());
            if (!(optimizer.kind(parameter) instanceof Optimizer.Element element)) {
                throw new AssertionError("AdamW steps elements");
            }
            kind = element;
            FlatBuffer weights = rig.values(DType.FP32, elements);
            FlatBuffer gradient = state(DType.FP32);
            for (long i = 0; i < elements; i++) {
                gradient.set(i, (i % 31 + 1) * 1e-3f); // positive: the streams fold it into states
            }
            FlatBuffer first = state(DType.FP32);
            FlatBuffer second = state(DType.FP32);
            Optional<FlatBuffer> halves =
                    copy.equals("bf16") ? Optional.of(state(DType.BF16)) : Optional.empty();
            shard =
                    new Shard(
                            weights,
                            gradient,
                            List.of(first, second),
                            List.of(new ParameterRange(parameter, 0, 0, elements)),
                            halves);
            rig.rivalStreams(
                    ceiling,
                    (double) elements * (halves.isPresent() ? BYTES_WITH_COPY : BYTES),
                    new Ceilings.Streams(
                            weights.segment(),
                            gradient.segment(),
                            first.segment(),
                            second.segment(),
                            halves.map(FlatBuffer::segment)));
            ceiling.warmUp(this::step);
        }

        private Shard step() {
            long t = ++steps;
            kind.step(shard, new StepContext(t, t, t, optimizer.base(), 1f, rig.kernels()));
            return shard;
        }

        private FlatBuffer state(DType type) {
            return rig.memory().allocate(MemoryKind.OPTIMIZER_STATES, type, elements);
        }

        /** Gives the ceiling its turn, on the same arrays. */
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

    /** Steps all parameters once. */
    @Benchmark
    public Object adamw(Parameters parameters) {
        return parameters.step();
    }
}
