package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import ds.core.DType;
import ds.core.Diagnostic;
import ds.core.FlatBuffer;
import ds.core.KeyDeclaration;
import ds.core.Rounding;
import ds.core.Settings;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterRange;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * What every element-wise optimizer promises: {@link Optimizer.Element}. Extend it in the provider's
 * module and return the provider. Optimizers of another kind are skipped by name.
 */
public abstract class OptimizerContract {
    private static final int LENGTH = 2 * StepContext.PIECE_ELEMENTS + 777;
    private static final int SHORT_LENGTH = 1237;
    private static final int[] CUTS = {1, 1030, StepContext.PIECE_ELEMENTS + 5};
    private static final int STEPS = 4;
    private static final int HOT_RUNS = 40;
    private static final int SLOTS_MOST = 8;
    private static final float SCALE = 0.25f; // a power of two: multiplying by it is exact
    private static final int ALLOCATION_STEPS = 2_000;
    private static final long ALLOCATION_BYTES = 4_096;

    /** For subclasses. */
    protected OptimizerContract() {}

    /** Returns the provider under test. */
    protected abstract OptimizerProvider provider();

    /** Returns the {@code params} of the tests; defaults where none are given. */
    protected Map<String, Object> params() {
        return Map.of();
    }

    @Test
    void everySettingIsDocumentedAndNamedOnce() {
        List<KeyDeclaration> settings = provider().settings();
        assertFalse(provider().name().isBlank());
        for (KeyDeclaration key : settings) {
            assertFalse(key.doc().isBlank(), key.name() + " has no doc");
        }
        assertEquals(
                settings.size(), settings.stream().map(KeyDeclaration::name).distinct().count());
    }

    @Test
    void slotsAreFewNamedAndAlwaysTheSame() {
        List<StateSlot> slots = create().slots();
        assertTrue(slots.size() <= SLOTS_MOST, () -> "has " + slots.size() + " slots");
        assertEquals(slots.size(), slots.stream().map(StateSlot::name).distinct().count());
        assertTrue(slots.stream().noneMatch(slot -> slot.name().isBlank()));
        assertEquals(slots, create().slots());
        assertEquals(create().base(), create().base());
    }

    @Test
    void cutsOfAShardDoNotShow() {
        for (Optional<DType> copy : copies()) {
            assertEquals(run(LENGTH, 1, copy, 1), run(LENGTH, 1, copy, 1, CUTS));
        }
    }

    @Test
    void workersDoNotShow() {
        List<Integer> alone = run(LENGTH, 1, Optional.of(DType.BF16), 1);
        assertEquals(alone, run(LENGTH, 2, Optional.of(DType.BF16), 1));
        assertEquals(alone, run(LENGTH, 3, Optional.of(DType.BF16), 1));
    }

    @Test
    void aColdAndAHotStepAgree() {
        List<Integer> cold = run(SHORT_LENGTH, 1, Optional.of(DType.FP16), 1);
        for (int i = 0; i < HOT_RUNS; i++) {
            assertEquals(cold, run(SHORT_LENGTH, 1, Optional.of(DType.FP16), 1));
        }
    }

    @Test
    void aFreshOptimizerContinuesFromTheSlots() {
        assertEquals(
                run(SHORT_LENGTH, 1, Optional.empty(), STEPS),
                run(SHORT_LENGTH, 1, Optional.empty(), 1));
    }

    @Test
    void aStepMovesWeightsWithAGradient() {
        try (Run run = new Run(create(), SHORT_LENGTH, 1, Optional.empty(), 3)) {
            float[] before = run.shard.master().toFloats();
            run.step(1, SCALE);
            float[] after = run.shard.master().toFloats();
            int moved = 0;
            for (int i = 0; i < before.length; i++) {
                assertTrue(Float.isFinite(after[i]), "element " + i + " is " + after[i]);
                moved += before[i] == after[i] ? 0 : 1;
            }
            assertTrue(moved > before.length / 2, "only " + moved + " elements moved");
        }
    }

    @Test
    void theGradientScaleIsAppliedOnce() {
        Optimizer optimizer = create();
        try (Run scaled = new Run(optimizer, SHORT_LENGTH, 1, Optional.empty(), 5);
                Run whole = new Run(optimizer, SHORT_LENGTH, 1, Optional.empty(), 5)) {
            for (int i = 0; i < SHORT_LENGTH; i++) {
                FlatBuffer gradient = whole.shard.gradient();
                gradient.set(i, gradient.get(i) * SCALE);
            }
            scaled.step(1, SCALE);
            whole.step(1, 1);
            assertEquals(bits(whole.shard.master()), bits(scaled.shard.master()));
        }
    }

    @Test
    void theCopyIsTheRoundedMaster() {
        for (DType type : List.of(DType.BF16, DType.FP16)) {
            try (Run run = new Run(create(), SHORT_LENGTH, 1, Optional.of(type), 7)) {
                run.step(1, SCALE);
                FlatBuffer copy = run.shard.copyOut().orElseThrow();
                for (int i = 0; i < SHORT_LENGTH; i++) {
                    float master = run.shard.master().get(i);
                    assertEquals(
                            Rounding.stored(master, type), copy.get(i), type + " of " + master);
                }
            }
        }
    }

    @Test
    void paddingStaysZero() {
        try (Run run = new Run(create(), SHORT_LENGTH, 1, Optional.of(DType.BF16), 9)) {
            run.zeroFrom(SHORT_LENGTH / 2);
            for (int step = 1; step <= STEPS; step++) {
                run.step(step, SCALE);
            }
            for (FlatBuffer buffer : run.written()) {
                for (int i = SHORT_LENGTH / 2; i < SHORT_LENGTH; i++) {
                    assertEquals(0, Math.abs(buffer.get(i)), "element " + i);
                }
            }
        }
    }

    @Test
    void aHotStepAllocatesAFewObjectsWhateverTheLength() {
        // Compiled code keeps values in registers that the interpreter boxes: wait for it.
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Run run = new Run(create(), LENGTH, 1, Optional.of(DType.BF16), 11)) {
            long least = Long.MAX_VALUE;
            for (int i = 1; i <= ALLOCATION_STEPS && least > ALLOCATION_BYTES; i++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                run.step(i, SCALE);
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertTrue(least <= ALLOCATION_BYTES, "a step allocates " + least + " bytes");
        }
    }

    private Optimizer create() {
        Settings.Checked checked = Settings.validate(provider().settings(), params(), "");
        assertEquals(
                List.of(), checked.diagnostics().stream().filter(Diagnostic::isError).toList());
        Optimizer optimizer = provider().create(checked.settings());
        Assumptions.assumeTrue(
                optimizer.kind(Run.PARAMETER) instanceof Optimizer.Element,
                () -> provider().name() + " is not an element-wise optimizer");
        return optimizer;
    }

    private static List<Optional<DType>> copies() {
        return List.of(Optional.empty(), Optional.of(DType.BF16), Optional.of(DType.FP16));
    }

    /** Steps a shard in pieces, with {@code instances} optimizers one after the other. */
    private List<Integer> run(
            int length, int workers, Optional<DType> copy, int instances, int... cuts) {
        Optimizer optimizer = create();
        try (Run run = new Run(optimizer, length, workers, copy, 1)) {
            for (int step = 1; step <= STEPS; step++) {
                run.optimizer = instances > 1 ? create() : optimizer;
                run.fillGradient(step);
                run.step(step, SCALE, cuts);
            }
            List<Integer> bits = new ArrayList<>();
            run.written().forEach(buffer -> bits.addAll(bits(buffer)));
            return bits;
        }
    }

    private static List<Integer> bits(FlatBuffer buffer) {
        List<Integer> bits = new ArrayList<>();
        for (float value : buffer.toFloats()) {
            bits.add(Float.floatToRawIntBits(value));
        }
        return bits;
    }

    /** One shard with its memory, its workers and the optimizer that steps it. */
    private static final class Run implements AutoCloseable {
        static final ParameterSpec PARAMETER =
                new ParameterSpec("contract", List.of(LENGTH), Set.of());

        private final Arena arena = Arena.ofShared();
        private final SplittableRandom random;
        private final Workers workers;
        private final Kernels kernels;
        private final Shard shard;
        private Optimizer optimizer;
        private long used;

        Run(Optimizer optimizer, int length, int workerCount, Optional<DType> copy, long seed) {
            this.optimizer = optimizer;
            this.used = length;
            this.random = new SplittableRandom(seed);
            this.workers = new Workers("contract", workerCount);
            ModuleLayer own = OptimizerContract.class.getModule().getLayer();
            this.kernels =
                    KernelsProviders.in(own == null ? ModuleLayer.boot() : own)
                            .require(KernelsProviders.HOST)
                            .create(workers);
            this.shard =
                    new Shard(
                            allocate(DType.FP32, length),
                            allocate(DType.FP32, length),
                            Stream.generate(() -> allocate(DType.FP32, length))
                                    .limit(optimizer.slots().size())
                                    .toList(),
                            List.of(new ParameterRange(PARAMETER, 0, 0, length)),
                            copy.map(type -> allocate(type, length)));
            for (int i = 0; i < length; i++) {
                shard.master().set(i, (float) random.nextDouble(-2, 2));
            }
            fillGradient(1);
        }

        private FlatBuffer allocate(DType type, long length) {
            return FlatBuffer.of(arena.allocate(type.bytesOf(length), Long.BYTES), type);
        }

        /** Writes usual gradients, and some that are zero, tiny or large. */
        void fillGradient(int step) {
            for (int i = 0; i < shard.length(); i++) {
                double value = random.nextDouble(-1, 1);
                switch (random.nextInt(16)) {
                    case 0 -> value = 0;
                    case 1 -> value *= 1e-15;
                    case 2 -> value *= 1e6 * step;
                    default -> {}
                }
                shard.gradient().set(i, (float) value);
            }
        }

        /** Makes everything behind {@code first} elements padding. */
        void zeroFrom(int first) {
            used = first;
            for (long i = first; i < shard.length(); i++) {
                shard.master().set(i, 0);
                shard.gradient().set(i, 0);
            }
        }

        void step(int step, float scale, int... cuts) {
            StepContext context =
                    new StepContext(step, step, step, optimizer.base(), scale, kernels);
            long from = 0;
            for (int cut : cuts) {
                element().step(part(from, cut), context);
                from = cut;
            }
            element().step(part(from, shard.length()), context);
        }

        private Optimizer.Element element() {
            return (Optimizer.Element) optimizer.kind(PARAMETER);
        }

        private List<ParameterRange> ranges(long from, long to) {
            long end = Math.min(to, used);
            return end > from
                    ? List.of(new ParameterRange(PARAMETER, from, 0, end - from))
                    : List.of();
        }

        private Shard part(long from, long to) {
            return new Shard(
                    shard.master().slice(from, to - from),
                    shard.gradient().slice(from, to - from),
                    shard.slots().stream().map(slot -> slot.slice(from, to - from)).toList(),
                    ranges(from, to),
                    shard.copyOut().map(copy -> copy.slice(from, to - from)));
        }

        /** Returns what a step writes: master, slots, copy. */
        List<FlatBuffer> written() {
            List<FlatBuffer> buffers = new ArrayList<>(List.of(shard.master()));
            buffers.addAll(shard.slots());
            shard.copyOut().ifPresent(buffers::add);
            return buffers;
        }

        @Override
        public void close() {
            workers.close();
            arena.close();
        }
    }
}
