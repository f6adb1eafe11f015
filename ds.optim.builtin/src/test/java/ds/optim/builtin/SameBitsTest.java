package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Vector and scalar passes, cold and hot, whole and cut, by one worker or three: the same bits. */
class SameBitsTest {
    private static final Hyper ADAM = new Hyper(1e-2, 0.9, 0.999);
    private static final Hyper MOMENTUM = new Hyper(1e-1, 0.9, 0);
    private static final Hyper PLAIN = new Hyper(1e-1, 0, 0);
    private static final ParameterSpec MATRIX = new ParameterSpec("m", List.of(33, 31), Set.of());
    private static final int STEPS = 4;

    private record Rule(Hyper hyper, Function<Passes, Optimizer> maker) {}

    private static final List<Rule> RULES =
            List.of(
                    new Rule(
                            ADAM,
                            p -> new Adam(ADAM, new AdamSettings(1e-8, 0.1, true, true, false), p)),
                    new Rule(
                            ADAM,
                            p -> new Adam(ADAM, new AdamSettings(0, 0.1, false, false, false), p)),
                    new Rule(
                            MOMENTUM, p -> new Sgd(MOMENTUM, new SgdSettings(0.1, 0.01, false), p)),
                    new Rule(MOMENTUM, p -> new Sgd(MOMENTUM, new SgdSettings(0, 0, true), p)),
                    new Rule(PLAIN, p -> new Sgd(PLAIN, new SgdSettings(0, 0.01, false), p)),
                    new Rule(
                            ADAM,
                            p -> new Adam(ADAM, new AdamSettings(1e-8, 0, true, true, true), p)),
                    new Rule(
                            PLAIN, p -> new Adagrad(PLAIN, new AdagradSettings(0, 0.1, 0.2, 0), p)),
                    new Rule(
                            PLAIN,
                            p -> new Adagrad(PLAIN, new AdagradSettings(1e-10, 0, 0, 0.1), p)),
                    new Rule(ADAM, p -> new Lion(ADAM, 0.1, p)),
                    new Rule(
                            ADAM,
                            p ->
                                    new Lamb(
                                            ADAM,
                                            new LambSettings(1e-8, false, 0.1, true, 0.01, 10),
                                            p)),
                    new Rule(
                            ADAM,
                            p -> new Lamb(ADAM, new LambSettings(0, true, 0, false, 0.01, 10), p)));

    private static final List<Optional<DType>> COPIES =
            List.of(Optional.empty(), Optional.of(DType.BF16), Optional.of(DType.FP16));

    @Test
    void theVectorPassesAreUsedInThisBuild() {
        assertInstanceOf(VectorPasses.class, Passes.best());
    }

    @Test
    void vectorAndScalarPassesAgreeColdAndHot() {
        for (Rule rule : RULES) {
            for (Optional<DType> copy : COPIES) {
                List<Integer> expected =
                        run(rule.maker.apply(new ScalarPasses()), rule, copy, 1, 1237);
                Optimizer vector = rule.maker.apply(new VectorPasses(0));
                for (int repeat = 0; repeat < 100; repeat++) {
                    assertEquals(expected, run(vector, rule, copy, 1, 1237), rule + " " + copy);
                }
            }
        }
    }

    @Test
    void goingOverFromScalarCodeToVectorsDoesNotShow() {
        for (Rule rule : RULES) {
            Optional<DType> copy = Optional.of(DType.BF16);
            List<Integer> expected = run(rule.maker.apply(new ScalarPasses()), rule, copy, 1, 1237);
            Optimizer both = rule.maker.apply(new VectorPasses(STEPS / 2 * 1237));
            assertEquals(expected, run(both, rule, copy, 1, 1237), rule.toString());
        }
    }

    @Test
    void aMatrixIsSteppedTheSameByVectorsAndOneByOneAndByAnyWorkers() {
        for (boolean gram : List.of(true, false)) {
            List<Integer> expected = matrix(new ScalarPasses(), gram, 1);
            assertEquals(expected, matrix(new VectorPasses(0), gram, 1));
            assertEquals(expected, matrix(new VectorPasses(0), gram, 3));
        }
    }

    private static List<Integer> matrix(Passes passes, boolean gram, int workers) {
        Optimizer muon =
                new Muon(
                        MOMENTUM,
                        0.1,
                        gram,
                        new Adam(ADAM, new AdamSettings(0, 0, true, true, false), passes),
                        passes);
        SplittableRandom random = new SplittableRandom(3);
        int length = 33 * 31;
        try (Bench bench = new Bench(workers)) {
            FlatBuffer master = bench.buffer(DType.FP32, length);
            FlatBuffer gradient = bench.buffer(DType.FP32, length);
            Shard shard = bench.shard(muon, MATRIX, master, gradient, Optional.of(DType.BF16));
            for (int step = 1; step <= STEPS; step++) {
                for (int i = 0; i < length; i++) {
                    gradient.set(i, (float) random.nextDouble(-1, 1));
                }
                bench.step(muon, shard, bench.context(step, MOMENTUM, 0.25f));
            }
            return bits(shard);
        }
    }

    @Test
    void workersAndCutsDoNotShow() {
        int length = 3 * 32_768 + 777;
        for (Rule rule : RULES) {
            Optional<DType> copy = Optional.of(DType.BF16);
            Optimizer optimizer = rule.maker.apply(new VectorPasses(0));
            List<Integer> expected = run(optimizer, rule, copy, 1, length);
            assertEquals(expected, run(optimizer, rule, copy, 2, length));
            assertEquals(expected, run(optimizer, rule, copy, 3, length));
            if (optimizer instanceof Optimizer.Element) {
                assertEquals(expected, run(optimizer, rule, copy, 2, length, 1, 1030, 40_001));
            }
        }
    }

    @Test
    void everySixteenBitPatternAndItsNeighboursRoundLikeTheScalarDefinition() {
        // A step of rate 0 leaves the master, infinities too, and writes its rounding.
        Optimizer still = new Lion(new Hyper(0, 0.9, 0.99), 0, new VectorPasses(0));
        int[] lower = {
            0, 1, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001, 0xefff, 0xf000, 0xf001, 0xffff
        };
        float[] values = new float[lower.length << 16];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat((i & 0xffff) << 16 | lower[i >>> 16]);
        }
        try (Bench bench = new Bench(2)) {
            for (DType type : List.of(DType.BF16, DType.FP16)) {
                FlatBuffer master = bench.floats(values);
                Shard shard =
                        bench.shard(
                                still,
                                master,
                                bench.buffer(DType.FP32, values.length),
                                Optional.of(type));
                bench.step(still, shard, bench.context(1, still.base(), 1));
                FlatBuffer copy = shard.copyOut().orElseThrow();
                for (int i = 0; i < values.length; i++) {
                    assertEquals(values[i], master.get(i));
                    // The step made signalling NaNs quiet, so the master says what to expect.
                    int stored = Float.floatToRawIntBits(Rounding.stored(master.get(i), type));
                    if (stored != Float.floatToRawIntBits(copy.get(i))) {
                        assertEquals(stored, Float.floatToRawIntBits(copy.get(i)), type + " " + i);
                    }
                }
            }
        }
    }

    @Test
    void paddingStaysZero() {
        for (Rule rule : RULES) {
            Optimizer optimizer = rule.maker.apply(new VectorPasses(0));
            try (Bench bench = new Bench(1)) {
                Shard shard =
                        Bench.withPaddingFrom(
                                1,
                                bench.shard(
                                        optimizer,
                                        bench.buffer(DType.FP32, 2048),
                                        bench.buffer(DType.FP32, 2048),
                                        Optional.of(DType.BF16)));
                for (int step = 1; step <= 20; step++) {
                    bench.step(optimizer, shard, bench.context(step, rule.hyper, 0.5f));
                }
                for (int bits : bits(Bench.cut(shard, 1, 2048))) {
                    assertEquals(0, bits);
                }
            }
        }
    }

    private static List<Integer> run(
            Optimizer optimizer,
            Rule rule,
            Optional<DType> copy,
            int workers,
            int length,
            int... cuts) {
        SplittableRandom random = new SplittableRandom(7);
        try (Bench bench = new Bench(workers)) {
            FlatBuffer master = bench.buffer(DType.FP32, length);
            FlatBuffer gradient = bench.buffer(DType.FP32, length);
            for (int i = 0; i < length; i++) {
                master.set(i, (float) random.nextDouble(-2, 2));
            }
            Shard shard = bench.shard(optimizer, master, gradient, copy);
            for (int step = 1; step <= STEPS; step++) {
                for (int i = 0; i < length; i++) {
                    // Zeros, tiny, usual and huge gradients.
                    int kind = random.nextInt(16);
                    double value = random.nextDouble(-1, 1);
                    gradient.set(
                            i,
                            (float)
                                    (kind == 0
                                            ? 0
                                            : kind == 1
                                                    ? value * 1e-30
                                                    : kind == 2 ? value * 1e8 : value));
                }
                int from = 0;
                for (int cut : cuts) {
                    bench.step(
                            optimizer,
                            Bench.cut(shard, from, cut),
                            bench.context(step, rule.hyper, 0.25f));
                    from = cut;
                }
                bench.step(
                        optimizer,
                        Bench.cut(shard, from, length),
                        bench.context(step, rule.hyper, 0.25f));
            }
            return bits(shard);
        }
    }

    private static List<Integer> bits(Shard shard) {
        List<FlatBuffer> buffers = new ArrayList<>(List.of(shard.master()));
        buffers.addAll(shard.slots());
        shard.copyOut().ifPresent(buffers::add);
        List<Integer> bits = new ArrayList<>();
        for (FlatBuffer buffer : buffers) {
            for (float value : buffer.toFloats()) {
                bits.add(Float.floatToRawIntBits(value));
            }
        }
        return bits;
    }
}
