package ds.zero;

import ds.core.FlatBuffer;
import ds.kernels.Philox;
import ds.kernels.Workers;
import ds.model.Init;
import ds.model.Parameter;
import java.nio.charset.StandardCharsets;

/**
 * Initial values as a pure function of (seed, parameter name, element): four draws per block of four
 * elements; normals come in pairs (Box and Muller 1958) from fp64 {@code StrictMath}.
 */
final class InitialValues implements TensorSource {
    private static final int DRAWS = 4;
    private static final int PART_ELEMENTS = 16_384;
    private static final long FNV_OFFSET = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;

    private final Philox random;
    private final Workers workers;

    InitialValues(long seed, Workers workers) {
        this.random = new Philox(seed, Philox.INITIAL_VALUES);
        this.workers = workers;
    }

    @Override
    public void read(Parameter parameter, String kind, long offset, FlatBuffer into) {
        long length = into.lengthElements();
        if (parameter.init() instanceof Init.Constant(float value)) {
            for (long i = 0; i < length; i++) {
                into.set(i, value);
            }
            return;
        }
        long stream = stream(parameter.name());
        workers.run(
                Math.toIntExact((length + PART_ELEMENTS - 1) / PART_ELEMENTS),
                (_, part) -> {
                    long from = (long) part * PART_ELEMENTS;
                    long count = Math.min(PART_ELEMENTS, length - from);
                    draw(parameter.init(), stream, offset + from, into.slice(from, count));
                });
    }

    private void draw(Init init, long stream, long first, FlatBuffer into) {
        int[] bits = new int[DRAWS];
        double[] values = new double[DRAWS];
        long drawn = -1;
        for (long i = 0; i < into.lengthElements(); i++) {
            long block = (first + i) / DRAWS;
            if (block != drawn) {
                random.draw(stream, block, bits);
                transform(init, bits, values);
                drawn = block;
            }
            into.set(i, (float) values[(int) ((first + i) % DRAWS)]);
        }
    }

    private static void transform(Init init, int[] bits, double[] values) {
        switch (init) {
            case Init.Constant(float value) -> java.util.Arrays.fill(values, value);
            case Init.Uniform(float bound) -> {
                for (int i = 0; i < DRAWS; i++) {
                    values[i] = (2.0 * Philox.unit(bits[i]) - 1.0) * bound;
                }
            }
            case Init.Normal(float deviation) -> {
                for (int i = 0; i < DRAWS; i += 2) {
                    // 1 − u lies in (0, 1], so that the logarithm is finite.
                    double radius =
                            deviation * Math.sqrt(-2 * StrictMath.log(1.0 - Philox.unit(bits[i])));
                    double angle = 2 * Math.PI * Philox.unit(bits[i + 1]);
                    values[i] = radius * StrictMath.cos(angle);
                    values[i + 1] = radius * StrictMath.sin(angle);
                }
            }
        }
    }

    /** Returns the name's FNV-1a hash: which stream of the generator a parameter draws from. */
    private static long stream(String name) {
        long hash = FNV_OFFSET;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ b & 0xff) * FNV_PRIME;
        }
        return hash;
    }
}
