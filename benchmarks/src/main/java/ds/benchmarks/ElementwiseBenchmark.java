package ds.benchmarks;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels.Activation;
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

/** Kernels that go once over an array, beside a copy of as many bytes. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 1, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public class ElementwiseBenchmark {
    private static final int WIDTH = 256;
    private static final float EPSILON = 1e-5f;

    /** Created by JMH. */
    public ElementwiseBenchmark() {}

    /** Arrays of both types. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public abstract static class Arrays {
        /** Elements of an array, a multiple of 256; 262,144 stay in a cache, 4,194,304 do not. */
        @Param({"262144", "4194304"})
        public int elements;

        /** Worker threads. */
        @Param({"1", "2"})
        public int workers;

        Ceiling ceiling;
        Rig rig;
        FlatBuffer x;
        FlatBuffer y;

        /** Gives the ceiling its turn. */
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

    /** Arrays for kernels from fp32 to fp32. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public static class Floats extends Arrays {
        /** What is computed: silu is the smallest kernel with an exponential function in it. */
        @Param({"silu", "tanh", "gelu", "geluErf", "layerNorm"})
        public String function = "silu";

        private FlatBuffer gamma;
        private FlatBuffer beta;
        private FlatBuffer mean;
        private FlatBuffer reciprocal;

        /** Created by JMH. */
        public Floats() {}

        /** Allocates and fills. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            ceiling = times;
            rig = Rig.of(workers);
            x = rig.values(DType.FP32, elements);
            y = rig.values(DType.FP32, elements);
            gamma = rig.values(DType.FP32, WIDTH);
            beta = rig.values(DType.FP32, WIDTH);
            mean = rig.values(DType.FP32, elements / WIDTH);
            reciprocal = rig.values(DType.FP32, elements / WIDTH);
            rig.rivalCopies(ceiling, 8.0 * elements, x.segment(), y.segment());
            ceiling.warmUp(this::compute);
        }

        private FlatBuffer compute() {
            switch (function) {
                case "silu" -> rig.kernels().activation(Activation.SILU, x, y);
                case "tanh" -> rig.kernels().activation(Activation.TANH, x, y);
                case "gelu" -> rig.kernels().activation(Activation.GELU, x, y);
                case "geluErf" -> rig.kernels().activation(Activation.GELU_ERF, x, y);
                case "layerNorm" ->
                        rig.kernels()
                                .layerNorm(
                                        x,
                                        gamma,
                                        beta,
                                        elements / WIDTH,
                                        WIDTH,
                                        EPSILON,
                                        y,
                                        mean,
                                        reciprocal);
                default -> throw new IllegalArgumentException("no function " + function);
            }
            return y;
        }
    }

    /** Arrays for kernels between fp32 and bf16. */
    @State(Scope.Thread)
    public static class Halves extends Arrays {
        /** The type that comes out; the other one goes in. */
        @Param({"bf16", "fp32"})
        public String to = "bf16";

        /** Created by JMH. */
        public Halves() {}

        /** Allocates and fills. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            ceiling = times;
            rig = Rig.of(workers);
            x = rig.values(DType.FP32, elements);
            y = rig.values(DType.BF16, elements);
            // 3 + 3 bytes per element where the cast moves 4 + 2: as many bytes, of the same
            // arrays.
            FlatBuffer target = rig.values(DType.FP32, elements);
            rig.rivalCopies(
                    ceiling,
                    6.0 * elements,
                    x.segment().asSlice(0, 3L * elements),
                    target.segment().asSlice(0, 3L * elements));
            ceiling.warmUp(this::cast);
        }

        private FlatBuffer cast() {
            FlatBuffer result = to.equals("bf16") ? y : x;
            rig.kernels().convert(to.equals("bf16") ? x : y, result);
            return result;
        }
    }

    /** Computes a function of every element. */
    @Benchmark
    public Object function(Floats arrays) {
        return arrays.compute();
    }

    /** Rounds fp32 to bf16, or widens it. */
    @Benchmark
    public Object cast(Halves arrays) {
        return arrays.cast();
    }
}
