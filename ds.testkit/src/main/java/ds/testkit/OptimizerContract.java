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
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * What every optimizer promises that steps elements, norms or matrices. Extend it in the provider's
 * module and return the provider. A replica kind, which promises no bits, is skipped by name.
 */
public abstract class OptimizerContract {
    private static final int LENGTH = 2 * StepContext.PIECE_ELEMENTS + 777;
    private static final int SHORT_LENGTH = 1239;
    private static final int[] CUTS = {1, 1030, StepContext.PIECE_ELEMENTS + 5};
    private static final int STEPS = 4;
    private static final int HOT_RUNS = 40;
    private static final int SLOTS_MOST = 8;
    private static final float SCALE = 0.25f; // a power of two: multiplying by it is exact
    private static final int ALLOCATION_STEPS = 2_000;
    private static final long ALLOCATION_BYTES = 4_096;

    /** A matrix takes a few dozen products, of which each makes a few objects. */
    private static final long MATRIX_ALLOCATION_BYTES = 16_384;

    /** For subclasses. */
    protected OptimizerContract() {}

    /** Returns the provider under test. */
    protected abstract OptimizerProvider provider();

    /** Returns the {@code params} of the tests; defaults where none are given. */
    protected Map<String, Object> params() {
        return Map.of();
    }

    /** Returns the parameter that is stepped; by default a vector. */
    protected ParameterSpec parameter(int elements) {
        return new ParameterSpec("contract", List.of(elements), Set.of());
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
        ParameterSpec parameter = parameter(LENGTH);
        List<StateSlot> own = create().slots(parameter);
        assertEquals(slots.stream().filter(own::contains).toList(), own);
        assertEquals(own, create().slots(parameter));
        if (!stepsWholes()) {
            assertEquals(slots, own, "only matrices may have fewer");
        }
        assertEquals(create().base(), create().base());
    }

    @Test
    void cutsOfAShardDoNotShow() {
        Assumptions.assumeFalse(stepsWholes(), "a matrix is never cut");
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
        try (OptimizerRun run = open(create(), SHORT_LENGTH, Optional.empty(), 3)) {
            float[] before = run.shard().master().toFloats();
            run.step(1, SCALE);
            float[] after = run.shard().master().toFloats();
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
        try (OptimizerRun scaled = open(optimizer, SHORT_LENGTH, Optional.empty(), 5);
                OptimizerRun whole = open(optimizer, SHORT_LENGTH, Optional.empty(), 5)) {
            for (int i = 0; i < SHORT_LENGTH; i++) {
                FlatBuffer gradient = whole.shard().gradient();
                gradient.set(i, gradient.get(i) * SCALE);
            }
            scaled.step(1, SCALE);
            whole.step(1, 1);
            assertEquals(bits(whole.shard().master()), bits(scaled.shard().master()));
        }
    }

    @Test
    void theCopyIsTheRoundedMaster() {
        for (DType type : List.of(DType.BF16, DType.FP16)) {
            try (OptimizerRun run = open(create(), SHORT_LENGTH, Optional.of(type), 7)) {
                run.step(1, SCALE);
                FlatBuffer copy = run.shard().copyOut().orElseThrow();
                for (int i = 0; i < SHORT_LENGTH; i++) {
                    float master = run.shard().master().get(i);
                    assertEquals(
                            Rounding.stored(master, type), copy.get(i), type + " of " + master);
                }
            }
        }
    }

    @Test
    void paddingStaysZero() {
        Assumptions.assumeFalse(stepsWholes(), "a matrix has no padding");
        try (OptimizerRun run = open(create(), SHORT_LENGTH, Optional.of(DType.BF16), 9)) {
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
        try (OptimizerRun run = open(create(), LENGTH, Optional.of(DType.BF16), 11)) {
            long least = Long.MAX_VALUE;
            for (int i = 1; i <= ALLOCATION_STEPS && least > ALLOCATION_BYTES; i++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                run.step(i, SCALE);
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            long allowed = stepsWholes() ? MATRIX_ALLOCATION_BYTES : ALLOCATION_BYTES;
            assertTrue(least <= allowed, "a step allocates " + least + " bytes");
        }
    }

    private Optimizer create() {
        Settings.Checked checked = Settings.validate(provider().settings(), params(), "");
        assertEquals(
                List.of(), checked.diagnostics().stream().filter(Diagnostic::isError).toList());
        Optimizer optimizer = provider().create(checked.settings());
        Assumptions.assumeTrue(
                !(optimizer.kind(parameter(LENGTH)) instanceof Optimizer.Replica),
                () -> provider().name() + " keeps a replica per rank");
        return optimizer;
    }

    private boolean stepsWholes() {
        return create().kind(parameter(LENGTH)) instanceof Optimizer.Matrix;
    }

    private OptimizerRun open(Optimizer optimizer, int length, Optional<DType> copy, long seed) {
        return new OptimizerRun(optimizer, parameter(length), 1, copy, seed);
    }

    private static List<Optional<DType>> copies() {
        return List.of(Optional.empty(), Optional.of(DType.BF16), Optional.of(DType.FP16));
    }

    /** Steps a shard in pieces, with {@code instances} optimizers one after the other. */
    private List<Integer> run(
            int length, int workers, Optional<DType> copy, int instances, int... cuts) {
        Optimizer optimizer = create();
        try (OptimizerRun run = new OptimizerRun(optimizer, parameter(length), workers, copy, 1)) {
            for (int step = 1; step <= STEPS; step++) {
                run.use(instances > 1 ? create() : optimizer);
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
}
