package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.core.MemoryKind;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.plan.MemoryEstimate;
import ds.model.Batch;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every choice of number formats gives its own bits, the same at every stage, resting place and
 * number of ranks that it is for; and the bytes that the plan says.
 */
class ModeParityTest {
    private static final int STEPS = 3;
    private static final String BF16 = ", \"bf16\": {\"enabled\": true%s}%s";
    private static final String FP16 = ", \"fp16\": {\"enabled\": true, \"loss_scale\": 8%s}%s";
    private static final String MASTERS = ", \"bf16_master_weights_and_grads\": true";
    private static final String KEEP = ", \"reduce_scatter\": false";

    /** What is asked for, and where it is allowed. */
    private enum Mode {
        BF16_MASTERS(BF16.formatted(MASTERS, ""), 1, 3, Places.MEMORY, Ranks.SAME),
        BF16_STATES(
                BF16.formatted(MASTERS + ", \"bf16_optimizer_states\": true", ""),
                1,
                3,
                Places.MEMORY,
                Ranks.SAME),
        BF16_BY_CHANCE(
                BF16.formatted(MASTERS, ", \"jvm\": {\"stochastic_rounding\": true}"),
                1,
                3,
                Places.MEMORY,
                Ranks.SAME),
        FP16_MASTERS(
                FP16.formatted(", \"fp16_master_weights_and_grads\": true", ""),
                1,
                3,
                Places.MEMORY,
                Ranks.EACH),
        ADDED_IN_BF16(
                BF16.formatted("", ", \"data_types\": {\"grad_accum_dtype\": \"bf16\"}"),
                0,
                3,
                Places.ALL,
                Ranks.SAME),
        ADDED_IN_FP16(
                BF16.formatted("", ", \"data_types\": {\"grad_accum_dtype\": \"fp16\"}"),
                1,
                3,
                Places.ALL,
                Ranks.SAME),
        FP16_ADDED_IN_FP16(
                FP16.formatted("", ", \"data_types\": {\"grad_accum_dtype\": \"fp16\"}"),
                0,
                3,
                Places.MEMORY,
                Ranks.EACH),
        TRAVELLING_IN_FP32(
                BF16.formatted("", ", \"communication_data_type\": \"fp32\""),
                0,
                3,
                Places.ALL,
                Ranks.SAME),
        FP32_TRAVELLING_IN_BF16(
                ", \"communication_data_type\": \"bf16\"", 0, 3, Places.ALL, Ranks.SAME),
        FP32_TRAVELLING_IN_FP16(
                ", \"communication_data_type\": \"fp16\"", 0, 3, Places.MEMORY, Ranks.SAME),
        DIVIDED_BEFORE(
                BF16.formatted("", ", \"gradient_predivide_factor\": 3"),
                0,
                3,
                Places.MEMORY,
                Ranks.SAME),
        PRODUCTS_IN_BF16(
                ", \"torch_autocast\": {\"enabled\": true, \"dtype\": \"bfloat16\"}",
                0,
                3,
                Places.ALL,
                Ranks.SAME),
        PRODUCTS_IN_FP16(
                ", \"torch_autocast\": {\"enabled\": true, \"dtype\": \"fp16\"}",
                0,
                3,
                Places.MEMORY,
                Ranks.EACH),
        AMP_O1(
                ", \"amp\": {\"enabled\": true, \"opt_level\": \"O1\", \"loss_scale\": 8}",
                0,
                0,
                Places.MEMORY,
                Ranks.EACH),
        AMP_O2(
                ", \"amp\": {\"enabled\": true, \"opt_level\": \"O2\", \"loss_scale\": 8}",
                0,
                0,
                Places.MEMORY,
                Ranks.EACH),
        ADDED_RANKS(", \"gradient_allreduce_op\": \"sum\"", 0, 2, Places.MEMORY, Ranks.EACH);

        private final String json;
        private final int firstStage;
        private final int lastStage;
        private final Places places;
        private final Ranks ranks;

        Mode(String json, int firstStage, int lastStage, Places places, Ranks ranks) {
            this.json = json;
            this.firstStage = firstStage;
            this.lastStage = lastStage;
            this.places = places;
            this.ranks = ranks;
        }

        String plain() {
            return json.contains("bf16\": {")
                    ? BF16.formatted("", "")
                    : json.contains("fp16\": {") ? FP16.formatted("", "") : "";
        }
    }

    /** Whether another number of ranks gives the same bits: not where it is part of a number. */
    private enum Ranks {
        SAME,
        EACH
    }

    /** Where states may rest. */
    private enum Places {
        MEMORY,
        ALL
    }

    /** The parameters of norms make the difference between O2 and fp16. */
    @Test
    void normsOfO2AreNotThoseOfFp16() {
        Cell cell = new Cell(Mode.AMP_O2, 0, "none", 1);
        assertNotEquals(run(cell, FP16.formatted("", "")), run(cell, Mode.AMP_O2.json));
    }

    private record Cell(Mode mode, int stage, String place, int world) {}

    private record Outcome(List<String> bits, String parameters) {}

    @TempDir private Path directory;

    static Stream<Cell> cells() {
        List<Cell> cells = new ArrayList<>();
        for (Mode mode : Mode.values()) {
            for (int stage = mode.firstStage; stage <= mode.lastStage; stage++) {
                for (int world = 1; world <= 2; world++) {
                    cells.add(new Cell(mode, stage, "none", world));
                    cells.add(new Cell(mode, stage, "cpu", world));
                    if (mode.places == Places.ALL) {
                        cells.add(new Cell(mode, stage, "nvme", world));
                    }
                }
            }
        }
        return cells.stream();
    }

    @ParameterizedTest
    @MethodSource("cells")
    void everyCellHasTheBitsOfItsMode(Cell cell) {
        int world = cell.mode.ranks == Ranks.EACH ? cell.world : 1;
        Cell first = new Cell(cell.mode, cell.mode.firstStage, "none", world);
        assertEquals(run(first, cell.mode.json), run(cell, cell.mode.json));
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void everyModeHasBitsOfItsOwn(Mode mode) {
        Cell cell = new Cell(mode, mode.firstStage, "none", 2);
        assertNotEquals(run(cell, mode.plain()), run(cell, mode.json));
    }

    /** Saved by one rank at one stage, gone on with by two at another where that gives the same bits. */
    @ParameterizedTest
    @EnumSource(Mode.class)
    void aCheckpointGoesOnWithTheSameBits(Mode mode) {
        int world = mode.ranks == Ranks.EACH ? 2 : 1;
        Cell before = new Cell(mode, mode.firstStage, "none", world);
        Cell after = new Cell(mode, mode.lastStage, "cpu", 2);
        Path run = directory.resolve("run");
        String expected;
        try (Arena arena = Arena.ofShared();
                Engine engine = open(before, mode.json)) {
            Batch batch = ParityTest.batch(arena);
            for (int step = 0; step < STEPS; step++) {
                if (step == 1) {
                    engine.saveCheckpoint(run);
                }
                ParityTest.fill(batch, step, ParityTest.MICRO);
                engine.trainStep(batch);
            }
            expected = engine.parameterHash();
        }
        try (Arena arena = Arena.ofShared();
                Engine engine = open(after, mode.json)) {
            engine.resume(run);
            Batch batch = ParityTest.batch(arena);
            for (int step = 1; step < STEPS; step++) {
                ParityTest.fill(batch, step, ParityTest.MICRO);
                engine.trainStep(batch);
            }
            assertEquals(expected, engine.parameterHash());
        }
    }

    private Engine open(Cell cell, String mode) {
        String device =
                "{\"device\": \"%s\"%s}"
                        .formatted(
                                cell.place,
                                cell.place.equals("nvme")
                                        ? ", \"nvme_path\": \"%s\"".formatted(directory)
                                        : "");
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": %d, "train_micro_batch_size_per_gpu": %d,
                         "gradient_clipping": 0.5,
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.01}},
                         "zero_optimization": {"stage": %d, "offload_optimizer": %s%s}%s}
                        """
                                .formatted(
                                        ParityTest.MICRO * ParityTest.CONTRIBUTIONS,
                                        ParityTest.MICRO,
                                        cell.stage,
                                        device,
                                        KEEP,
                                        mode));
        return DeepSpeed.initialize(
                new AwkwardModel(), config, o -> o.ranks(cell.world).workers(1).seed(7));
    }

    private Outcome run(Cell cell, String mode) {
        List<String> bits = new ArrayList<>();
        try (Arena arena = Arena.ofShared();
                Engine engine = open(cell, mode)) {
            Batch batch = ParityTest.batch(arena);
            long allocations = 0;
            for (int step = 0; step < STEPS; step++) {
                ParityTest.fill(batch, step, ParityTest.MICRO);
                StepReport report = engine.trainStep(batch);
                bits.add(Double.toHexString(report.loss()));
                bits.add(Double.toHexString(report.gradNorm()));
                assertTrue(!report.skipped(), "nothing overflows");
                if (step > 1) {
                    assertEquals(allocations, engine.allocationCount(), "allocated in a step");
                }
                allocations = engine.allocationCount();
            }
            assertBytes(engine.plan().memory(), engine.usage(0).bytes(), cell);
            return new Outcome(bits, engine.parameterHash());
        }
    }

    private static void assertBytes(MemoryEstimate plan, Map<MemoryKind, Long> bytes, Cell cell) {
        assertEquals(plan.gradients(), bytes.get(MemoryKind.GRADIENTS), "accumulators");
        if (!cell.place.equals("nvme")) {
            assertEquals(plan.masters(), bytes.get(MemoryKind.MASTERS), "masters");
            assertEquals(plan.states(), bytes.get(MemoryKind.OPTIMIZER_STATES), "states");
        }
    }
}
