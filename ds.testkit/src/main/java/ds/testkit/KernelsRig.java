package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Workers;
import ds.kernels.spi.KernelsProvider;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;

/** The kernels of a contract, over two workers, with operands outside the heap. */
final class KernelsRig implements AutoCloseable {
    private final KernelsProvider provider;
    private final Workers workers = new Workers("reference", 2);
    private final Arena arena = Arena.ofShared();
    private final Kernels kernels;

    KernelsRig(KernelsProvider provider) {
        this.provider = provider;
        this.kernels = provider.create(workers);
    }

    KernelsProvider provider() {
        return provider;
    }

    Kernels kernels() {
        return kernels;
    }

    FlatBuffer zeros(DType type, long length) {
        return FlatBuffer.of(arena.allocate(type.bytesOf(length), 64), type);
    }

    FlatBuffer zeros(long length) {
        return zeros(DType.FP32, length);
    }

    /** Returns normal draws, rounded to {@code type}. */
    FlatBuffer normal(DType type, long length, long seed) {
        FlatBuffer buffer = zeros(type, length);
        Random random = new Random(seed);
        for (long i = 0; i < length; i++) {
            buffer.set(i, (float) random.nextGaussian());
        }
        return buffer;
    }

    FlatBuffer normal(long length, long seed) {
        return normal(DType.FP32, length, seed);
    }

    static byte[] bytes(FlatBuffer buffer) {
        return buffer.segment().toArray(ValueLayout.JAVA_BYTE);
    }

    static double[] doubles(FlatBuffer x) {
        double[] values = new double[(int) x.lengthElements()];
        Arrays.setAll(values, x::get);
        return values;
    }

    static void assertClose(double[] expected, FlatBuffer actual, double tolerance) {
        for (int i = 0; i < expected.length; i++) {
            assertEquals(
                    expected[i],
                    actual.get(i),
                    tolerance * Math.max(1, Math.abs(expected[i])),
                    "element " + i);
        }
    }

    @Override
    public void close() {
        workers.close();
        arena.close();
    }
}
