package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import ds.core.DType;
import ds.core.Diagnostic;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
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

    /** Names under which users set what schedules change. */
    private static final Set<String> SCHEDULED = Set.of("lr", "momentum", "betas");

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
        DocumentedSettings.check(provider(), provider().settings());
    }

    @Test
    void slotsAreFewNamedAndAlwaysTheSame() {
        List<StateSlot> slots = create().slots();
        assertTrue(
                slots.size() <= SLOTS_MOST,
                () -> "has %d slots, %d is most".formatted(slots.size(), SLOTS_MOST));
        assertEquals(
                slots.size(),
                slots.stream().map(StateSlot::name).distinct().count(),
                () -> "slots share a name: " + slots);
        assertEquals(slots, create().slots(), "the slots of two optimizers of the same settings");
        ParameterSpec parameter = parameter(LENGTH);
        List<StateSlot> own = create().slots(parameter);
        assertEquals(
                slots.stream().filter(own::contains).toList(),
                own,
                "slots(parameter) must be some of slots(), in their order");
        assertEquals(own, create().slots(parameter), "slots(parameter), asked again");
        if (!stepsWholes()) {
            assertEquals(slots, own, "only matrices may have fewer");
        }
        assertEquals(
                create().base(), create().base(), "base() of two optimizers of the same settings");
    }

    @Test
    void slotsHoldWhatTheyAreDeclaredFor() {
        try (OptimizerRun run = open(create(), SHORT_LENGTH, Optional.empty(), 13)) {
            for (int step = 1; step <= STEPS; step++) {
                run.fillGradient(step);
                run.step(step, SCALE);
                for (int slot = 0; slot < run.slots().size(); slot++) {
                    if (run.slots().get(slot).values() == StateSlot.Values.NON_NEGATIVE) {
                        assertNonNegative(
                                step, run.slots().get(slot), run.shard().slots().get(slot));
                    }
                }
            }
        }
    }

    private static void assertNonNegative(int step, StateSlot slot, FlatBuffer values) {
        for (long i = 0; i < values.lengthElements(); i++) {
            float value = values.get(i);
            if (!(value >= 0)) {
                fail(
                        "After step %d element %d of the slot '%s' is %s, but it is declared nonNegative: declare it signed, or repair the step."
                                .formatted(step, i, slot.name(), value));
            }
        }
    }

    @Test
    void cutsOfAShardDoNotShow() {
        Assumptions.assumeFalse(stepsWholes(), "a matrix is never cut");
        for (Optional<DType> copy : copies()) {
            run("the whole shard", LENGTH, 1, copy, 1)
                    .assertSame(
                            run("cut before " + Arrays.toString(CUTS), LENGTH, 1, copy, 1, CUTS),
                            "An element must not depend on where its shard begins.");
        }
    }

    @Test
    void workersDoNotShow() {
        StepResult alone = run("1 worker", LENGTH, 1, Optional.of(DType.BF16), 1);
        for (int workers : new int[] {2, 3}) {
            alone.assertSame(
                    run(workers + " workers", LENGTH, workers, Optional.of(DType.BF16), 1),
                    "Pieces must not share what they write, nor depend on their order.");
        }
    }

    @Test
    void aColdAndAHotStepAgree() {
        StepResult cold = run("the first run", SHORT_LENGTH, 1, Optional.of(DType.FP16), 1);
        for (int i = 0; i < HOT_RUNS; i++) {
            cold.assertSame(
                    run("run " + (i + 2), SHORT_LENGTH, 1, Optional.of(DType.FP16), 1),
                    "The same inputs must give the same bits, compiled or not.");
        }
    }

    @Test
    void aFreshOptimizerContinuesFromTheSlots() {
        run("one optimizer", SHORT_LENGTH, 1, Optional.empty(), 1)
                .assertSame(
                        run("a new one at each step", SHORT_LENGTH, 1, Optional.empty(), STEPS),
                        "Keep in slots what lasts beyond a step, or a resumed run is another.");
    }

    @Test
    void hyperParametersAreTakenFromTheContext() {
        Hyper base = base(create());
        double lr = base.lr() == 0 ? 1e-3 : base.lr();
        assertActs("lr", base.withLr(lr), base.withLr(lr / 2));
        for (SettingVariant variant : variants()) {
            Hyper is = base(variant.optimizer());
            if (is.beta1OrMomentum() != base.beta1OrMomentum()) {
                assertActs(
                        "beta1OrMomentum",
                        base,
                        new Hyper(base.lr(), is.beta1OrMomentum(), base.beta2()));
            }
            if (is.beta2() != base.beta2()) {
                assertActs("beta2", base, new Hyper(base.lr(), base.beta1OrMomentum(), is.beta2()));
            }
        }
    }

    /** Lets the schedule change one value after the first step. */
    private void assertActs(String what, Hyper before, Hyper after) {
        StepResult constant = scheduled("constant", create(), before, before);
        StepResult changed = scheduled("changed", create(), before, after);
        if (constant.difference(changed).isEmpty()) {
            fail(
                    "Steps 2 to %d with %s in context.hyper() wrote the same as with %s: %s is not taken from there, so that schedules are ignored."
                            .formatted(STEPS, after, before, what));
        }
    }

    @Test
    void whatASettingSetsActsThroughTheContextOnly() {
        Hyper base = base(create());
        for (SettingVariant variant : variants()) {
            Hyper is = base(variant.optimizer());
            if (is.equals(base) || !sameSlots(variant)) {
                continue;
            }
            scheduled(
                            "made with '%s' %s".formatted(variant.setting(), variant.was()),
                            create(),
                            base,
                            is)
                    .assertSame(
                            scheduled("made with " + variant, variant.optimizer(), base, is),
                            "Both were stepped with the same context.hyper(), which is all that may differ by '%s': base() says it does, so that schedules change it."
                                    .formatted(variant.setting()));
        }
    }

    @Test
    void whatSchedulesChangeIsInTheBase() {
        Optimizer optimizer = create();
        Hyper base = base(optimizer);
        for (SettingVariant variant : variants()) {
            if (!SCHEDULED.contains(variant.setting())
                    || !sameSlots(variant)
                    || !bases(variant.optimizer()).equals(bases(optimizer))) {
                continue;
            }
            if (variant.setting().equals("lr")) {
                fail(
                        "Made with %s, base() is the same %s: the setting is ignored."
                                .formatted(variant, base));
            }
            scheduled(
                            "made with '%s' %s".formatted(variant.setting(), variant.was()),
                            create(),
                            base,
                            base)
                    .assertSame(
                            scheduled("made with " + variant, variant.optimizer(), base, base),
                            "base() does not hold '%s', so that no schedule changes it."
                                    .formatted(variant.setting()));
        }
    }

    private List<Hyper> bases(Optimizer optimizer) {
        return List.of(optimizer.base(), base(optimizer));
    }

    @Test
    void groupsOfOneStepDoNotShareHyperParameters() {
        Optimizer optimizer = create();
        Hyper own = base(optimizer);
        Hyper others = own.withLr(own.lr() == 0 ? 1e-3 : own.lr() / 2);
        StepResult alone = scheduled("a group alone", create(), own, own);
        try (OptimizerRun first = open(optimizer, SHORT_LENGTH, Optional.empty(), 15);
                OptimizerRun second = open(optimizer, SHORT_LENGTH, Optional.empty(), 15)) {
            first.schedule(others);
            second.schedule(own);
            for (int step = 1; step <= STEPS; step++) {
                first.step(step, SCALE);
                second.fillGradient(step);
                second.step(step, SCALE);
            }
            alone.assertSame(
                    StepResult.of("behind a group with lr " + others.lr(), second),
                    "Keep nothing of a context for the next call: in one step each group has its own.");
        }
    }

    private StepResult scheduled(String how, Optimizer optimizer, Hyper first, Hyper later) {
        try (OptimizerRun run = open(optimizer, SHORT_LENGTH, Optional.empty(), 15)) {
            run.schedule(first);
            for (int step = 1; step <= STEPS; step++) {
                run.fillGradient(step);
                run.step(step, SCALE);
                run.schedule(later);
            }
            return StepResult.of(how, run);
        }
    }

    private boolean sameSlots(SettingVariant variant) {
        ParameterSpec parameter = parameter(SHORT_LENGTH);
        return variant.optimizer().slots(parameter).equals(create().slots(parameter));
    }

    private Hyper base(Optimizer optimizer) {
        return optimizer.base(parameter(SHORT_LENGTH));
    }

    private List<SettingVariant> variants() {
        return SettingVariant.of(provider(), settings(), base(create()));
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
            assertTrue(
                    moved > before.length / 2,
                    "only %,d of %,d weights moved".formatted(moved, before.length));
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
            StepResult.of("gradients times %s and no scale".formatted(SCALE), whole)
                    .assertSame(
                            StepResult.of("gradientScale %s".formatted(SCALE), scaled),
                            "Multiply each gradient by context.gradientScale(), once.");
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
                            Rounding.stored(master, type),
                            copy.get(i),
                            "element %d of the 16-bit copy of %s as %s"
                                    .formatted(i, master, type.jsonName()));
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
            for (StepResult.Written array : StepResult.of("padding", run).arrays()) {
                for (int i = SHORT_LENGTH / 2; i < SHORT_LENGTH; i++) {
                    assertEquals(
                            0,
                            Math.abs(array.values()[i]),
                            "element %d of %s, which is padding".formatted(i, array.name()));
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

    private Settings settings() {
        Settings.Checked checked = Settings.validate(provider().settings(), params(), "");
        assertEquals(
                List.of(),
                checked.diagnostics().stream().filter(Diagnostic::isError).toList(),
                "the params of this test");
        return checked.settings();
    }

    private Optimizer create() {
        Optimizer optimizer = provider().create(settings());
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
    private StepResult run(
            String how, int length, int workers, Optional<DType> copy, int instances, int... cuts) {
        Optimizer optimizer = create();
        try (OptimizerRun run = new OptimizerRun(optimizer, parameter(length), workers, copy, 1)) {
            for (int step = 1; step <= STEPS; step++) {
                run.use(instances > 1 ? create() : optimizer);
                run.fillGradient(step);
                run.step(step, SCALE, cuts);
            }
            return StepResult.of(how, run);
        }
    }
}
