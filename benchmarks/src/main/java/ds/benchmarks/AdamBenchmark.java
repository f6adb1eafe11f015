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
import java.util.ArrayList;
import java.util.LinkedHashMap;
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

/** Steps of element-wise optimizers beside loops that do nothing but move the same arrays. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 1, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class AdamBenchmark {
    /** Created by JMH. */
    public AdamBenchmark() {}

    /** One shard in the middle of a run. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public static class Parameters {
        /** The optimizer's type, and one parameter that is not as its default. */
        @Param({
            "adamw",
            "adam",
            "adam amsgrad",
            "adagrad",
            "lion",
            "sgd",
            "sgd momentum",
            "muadam",
            "muadamw",
            "musgd momentum"
        })
        public String optimizer = "adamw";

        /** Parameters stepped. */
        @Param({"1048576", "16777216", "67108864", "268435456"})
        public int elements;

        /** The 16-bit copy of the new weights: none or bf16. */
        @Param({"none", "bf16"})
        public String copy = "none";

        /** Worker threads. */
        @Param({"1", "2"})
        public int workers;

        private Ceiling ceiling;
        private Rig rig;
        private Optimizer made;
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
            made = create(optimizer, elements);
            var parameter = new ParameterSpec("weights", List.of(elements), Set.of());
            if (!(made.kind(parameter) instanceof Optimizer.Element element)) {
                throw new AssertionError(optimizer + " steps elements");
            }
            kind = element;
            FlatBuffer weights = rig.values(DType.FP32, elements);
            FlatBuffer gradient = state(DType.FP32);
            for (long i = 0; i < elements; i++) {
                gradient.set(i, (i % 31 + 1) * 1e-3f); // positive: the streams fold it into states
            }
            List<FlatBuffer> slots = new ArrayList<>();
            for (int i = 0; i < made.slots().size(); i++) {
                slots.add(state(DType.FP32));
            }
            Optional<FlatBuffer> halves =
                    copy.equals("bf16") ? Optional.of(state(DType.BF16)) : Optional.empty();
            shard =
                    new Shard(
                            weights,
                            gradient,
                            slots,
                            List.of(new ParameterRange(parameter, 0, 0, elements)),
                            halves);
            rig.rivalStreams(
                    ceiling,
                    new Ceilings.Streams(
                            weights.segment(),
                            gradient.segment(),
                            slots.stream().map(FlatBuffer::segment).toList(),
                            halves.map(FlatBuffer::segment)));
            ceiling.warmUp(this::step);
        }

        private static Optimizer create(String name, int elements) {
            String[] words = name.split(" ", -1);
            var provider = Optimizers.in(ModuleLayer.boot()).require(words[0]);
            Map<String, Object> settings = new LinkedHashMap<>();
            settings.put("lr", 1e-3);
            if (name.endsWith(" amsgrad")) {
                settings.put("amsgrad", true);
            }
            if (name.endsWith(" momentum")) {
                settings.put("momentum", 0.9);
            }
            if (name.startsWith("mu")) {
                settings.put("base_shapes", Map.of("*", List.of(elements)));
            }
            return provider.create(Settings.validate(provider.settings(), settings, "").settings());
        }

        private Shard step() {
            long t = ++steps;
            kind.step(shard, new StepContext(t, t, t, made.base(), 1f, rig.kernels()));
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
    public Object step(Parameters parameters) {
        return parameters.step();
    }
}
