package ds.benchmarks;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels.Transpose;
import java.util.Optional;
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

/** Matrix products in fp32 beside as many multiply-adds on operands that stay in the nearest cache. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 1, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class GemmBenchmark {
    /** Created by JMH. */
    public GemmBenchmark() {}

    /** The operands of one product. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public abstract static class Product {
        private Ceiling ceiling;
        private Rig rig;
        private FlatBuffer a;
        private FlatBuffer b;
        private FlatBuffer c;
        private Transpose transposeA = Transpose.NO;
        private Transpose transposeB = Transpose.NO;
        private int m;
        private int n;
        private int k;

        final void open(int workers, int rows, int columns, int depth, Ceiling times) {
            ceiling = times;
            m = rows;
            n = columns;
            k = depth;
            rig = Rig.of(workers);
            a = rig.values(DType.FP32, (long) m * k);
            b = rig.values(DType.FP32, (long) k * n);
            c = rig.values(DType.FP32, (long) m * n);
            rig.rivalProducts(ceiling, 2.0 * m * n * k);
            ceiling.warmUp(this::multiply);
        }

        /** Reads the layout as two letters, N as stored or T transposed: of A, then of B. */
        final void layout(String letters) {
            transposeA = letters.charAt(0) == 'T' ? Transpose.YES : Transpose.NO;
            transposeB = letters.charAt(1) == 'T' ? Transpose.YES : Transpose.NO;
        }

        final FlatBuffer multiply() {
            rig.kernels().gemm(transposeA, transposeB, m, n, k, a, b, Optional.empty(), c, false);
            return c;
        }

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

    /** Square matrices as stored. */
    @State(Scope.Thread)
    public static class Square extends Product {
        /** Rows, columns and depth. */
        @Param({"512", "1024", "2048"})
        public int size;

        /** Worker threads. */
        @Param({"1", "2"})
        public int workers;

        /** Created by JMH. */
        public Square() {}

        /** Allocates and fills. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            open(workers, size, size, size, times);
        }
    }

    /** Square matrices, either one transposed: the products of a backward pass. */
    @State(Scope.Thread)
    public static class Layout extends Product {
        /** Rows, columns and depth. */
        @Param("1024")
        public int size;

        /** Of A, then of B: N as stored, T transposed. */
        @Param({"NN", "NT", "TN", "TT"})
        public String layout = "NN";

        /** Worker threads. */
        @Param({"1", "2"})
        public int workers;

        /** Created by JMH. */
        public Layout() {}

        /** Allocates and fills. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            layout(layout);
            open(workers, size, size, size, times);
        }
    }

    /** The products of a small GPT: activations times the transposed weights of a linear layer. */
    @State(Scope.Thread)
    public static class Gpt extends Product {
        /** Tokens. */
        @Param("1024")
        public int m;

        /** Width of the output. */
        @Param({"256", "768", "1024"})
        public int n;

        /** Width of the input. */
        @Param({"256", "768", "1024"})
        public int k;

        /** Worker threads. */
        @Param({"1", "2"})
        public int workers;

        /** Created by JMH. */
        public Gpt() {}

        /** Allocates and fills. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            layout("NT");
            open(workers, m, n, k, times);
        }
    }

    /** Multiplies square matrices. */
    @Benchmark
    public Object square(Square product) {
        return product.multiply();
    }

    /** Multiplies square matrices of other layouts. */
    @Benchmark
    public Object layout(Layout product) {
        return product.multiply();
    }

    /** Multiplies what a GPT multiplies. */
    @Benchmark
    public Object gpt(Gpt product) {
        return product.multiply();
    }
}
