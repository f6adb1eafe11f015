package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.core.MemoryKind;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.plan.TrainingPlan;
import ds.model.Batch;
import ds.model.Field;
import ds.offload.Transfers;
import ds.zero.OwnedSpace;
import ds.zero.PartitionMap;
import ds.zero.ZeroUsage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The master test: every ZeRO stage, resting place and world size gives the same bits of loss, norm
 * and parameters at the same micro-batch and G·W, and each really does what its stage says.
 */
class ParityTest {
    static final int MICRO = 2;
    static final int CONTRIBUTIONS = 12;
    private static final int STEPS = 3;
    private static final int SLOTS = 2;
    private static final int GENERATIONS = 2;
    private static final String ALL_ON_NVME = "nvme, gradients too";
    private static final String PARTLY_ON_NVME = "nvme, but some parameters";

    private record Cell(int stage, String place, int world, String precision) {
        String json(Path nvme) {
            String offload =
                    place.equals("none")
                            ? ""
                            : ", \"offload_optimizer\": "
                                    + device(nvme)
                                    + (stage == 3
                                            ? ", \"offload_param\": " + parameters(nvme)
                                            : "");
            return """
                    {"train_batch_size": %d, "train_micro_batch_size_per_gpu": %d,
                     "gradient_clipping": 0.5,
                     "optimizer": {"type": "AdamW", "params": {"lr": 0.01, "weight_decay": 0.1}},
                     "zero_optimization": {"stage": %d, "stage3_param_persistence_threshold": 0%s}%s,
                     "jvm": {"offload_gradients": "%s"}}
                    """
                    .formatted(
                            MICRO * CONTRIBUTIONS,
                            MICRO,
                            stage,
                            offload,
                            precision.equals("fp32")
                                    ? ""
                                    : ", \"%s\": {\"enabled\": true}".formatted(precision),
                            gradientsStored() ? "nvme" : "none");
        }

        boolean gradientsStored() {
            return place.equals(ALL_ON_NVME);
        }

        boolean stored() {
            return place.startsWith("nvme");
        }

        /** Returns the parameters that may stay in memory: a unit on one rank, less on more. */
        int maxInCpu() {
            return place.equals(PARTLY_ON_NVME) ? 6 * 1024 / world : 0;
        }

        /** Returns buffers that are shorter than a unit's part. */
        private String buffers() {
            return maxInCpu() > 0 ? ", \"buffer_size\": 2048" : "";
        }

        private String parameters(Path nvme) {
            return device(nvme)
                    .replace(
                            "}",
                            stored()
                                    ? ", \"max_in_cpu\": %d%s}".formatted(maxInCpu(), buffers())
                                    : "}");
        }

        private String device(Path nvme) {
            return place.equals("cpu")
                    ? "{\"device\": \"cpu\"}"
                    : "{\"device\": \"nvme\", \"nvme_path\": \"%s\"}".formatted(nvme);
        }

        int accumulation() {
            return CONTRIBUTIONS / world;
        }
    }

    private record Outcome(List<String> bits, String parameters) {}

    @TempDir private Path directory;

    static Stream<Cell> cells() {
        List<Cell> cells = new ArrayList<>();
        for (String precision : List.of("fp32", "bf16")) {
            for (int stage = 0; stage <= 3; stage++) {
                for (String place : List.of("none", "cpu", "nvme", ALL_ON_NVME, PARTLY_ON_NVME)) {
                    if (place.equals(ALL_ON_NVME) && stage < 2) {
                        continue; // every rank adds all gradients
                    }
                    if (place.equals(PARTLY_ON_NVME) && stage < 3) {
                        continue; // parameters rest in memory
                    }
                    for (int world = 1; world <= 4; world++) {
                        cells.add(new Cell(stage, place, world, precision));
                    }
                }
            }
        }
        return cells.stream();
    }

    @ParameterizedTest
    @MethodSource("cells")
    void everyCellHasTheBitsOfStageZeroOnOneRank(Cell cell) throws IOException {
        Outcome expected = run(new Cell(0, "none", 1, cell.precision()), MICRO, false);
        assertEquals(expected, run(cell, MICRO, true));
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList(), "a store outlived its engine");
        }
    }

    @Test
    void anotherFoldOrderChangesTheBits() {
        Outcome inOrder = run(new Cell(0, "none", 2, "fp32"), MICRO, false);
        // The same samples in the same micro-batches, but micro-batches of each pair exchanged.
        Outcome swapped = run(new Cell(0, "none", 2, "fp32"), -MICRO, false);
        assertNotEquals(inOrder.parameters(), swapped.parameters());
    }

    private Outcome run(Cell cell, int order, boolean checked) {
        DsConfig config = DsConfig.parse(cell.json(directory));
        AwkwardModel model = new AwkwardModel();
        List<String> bits = new ArrayList<>();
        try (Arena arena = Arena.ofShared();
                Engine engine =
                        DeepSpeed.initialize(
                                model, config, o -> o.ranks(cell.world()).workers(1).seed(7))) {
            Batch batch = batch(arena);
            long allocations = 0;
            for (int step = 0; step < STEPS; step++) {
                fill(batch, step, order);
                StepReport report = engine.trainStep(batch);
                bits.add(Double.toHexString(report.loss()));
                bits.add(Double.toHexString(report.gradNorm()));
                assertTrue(report.gradNorm() > 0.5, "clipping is active");
                if (step > 0 && checked) {
                    assertEquals(allocations, engine.allocationCount(), "allocated in a step");
                }
                allocations = engine.allocationCount();
                if (checked) {
                    assertMoved(cell, engine.plan(), report.transfers());
                }
            }
            if (checked) {
                for (int rank = 0; rank < cell.world(); rank++) {
                    assertUsage(cell, engine.plan(), rank, engine.usage(rank));
                }
            }
            return new Outcome(bits, engine.parameterHash());
        }
    }

    /** What the stage says it does, held against what was allocated and moved. */
    private static void assertUsage(Cell cell, TrainingPlan plan, int rank, ZeroUsage usage) {
        PartitionMap map = plan.partition();
        int element = cell.precision().equals("fp32") ? 4 : 2;
        long owned = map.owned(rank, false).elements();
        long everything = map.everything(false).elements();
        long stepped = cell.stage() >= 1 ? owned : everything;
        boolean stored = cell.stored();
        long states = stepped * 4 * SLOTS;
        long masters = element == 4 ? 0 : stepped * 4;
        long held = cell.stage() == 3 ? map.owned(rank, true).elements() : map.elements();
        boolean parametersStored = stored && cell.stage() == 3;

        assertEquals(
                cell.gradientsStored() ? 0 : (cell.stage() >= 2 ? owned : everything) * 4,
                usage.bytes().get(MemoryKind.GRADIENTS),
                "gradient accumulators");
        assertEquals(
                stored ? 0 : states + masters,
                usage.bytes().get(MemoryKind.OPTIMIZER_STATES)
                        + usage.bytes().get(MemoryKind.MASTERS),
                "masters and states in memory");
        List<OwnedSpace.Run> storedRuns = plan.zero().parameters().stored(map.owned(rank, true));
        long storedParameters = storedRuns.stream().mapToLong(OwnedSpace.Run::length).sum();
        assertEquals(
                parametersStored && cell.maxInCpu() == 0 ? held : storedParameters,
                storedParameters,
                "parameters in files");
        if (cell.maxInCpu() > 0 && rank == 0) {
            assertTrue(storedParameters > 0 && storedParameters < held, "some in memory");
            long longest =
                    storedRuns.stream().mapToLong(OwnedSpace.Run::length).max().orElseThrow();
            assertEquals(
                    Math.max(4096, Math.min(2048, longest) * element),
                    plan.memory().parameterBuffer(),
                    "a buffer");
        }
        assertEquals(
                (held - storedParameters) * element,
                usage.bytes().get(MemoryKind.PARAMETERS),
                "working parameters in memory");
        assertEquals(
                cell.stage() == 3,
                usage.bytes().get(MemoryKind.LIVE_UNITS) > 0,
                "live units exist at stage 3 only");
        // On NVMe even fp32 masters lie apart, frozen parameters are kept too, all of it twice; and
        // each run of parameters fills whole blocks.
        long frozen = map.owned(rank, true).elements() - owned;
        long statesAtRest = stored ? GENERATIONS * (states + (stepped + frozen) * 4) : 0;
        long parametersAtRest =
                storedRuns.stream()
                        .mapToLong(run -> (run.length() * element + 4095) / 4096 * 4096)
                        .sum();
        long gradientsAtRest = cell.gradientsStored() ? owned * 4 : 0;
        assertEquals(
                statesAtRest + gradientsAtRest + parametersAtRest,
                usage.storedBytes(),
                "bytes at rest");
        if (rank == 0) {
            assertEquals(usage.storedBytes(), plan.memory().stored(), "the plan's bytes at rest");
            assertEquals(
                    usage.bytes().get(MemoryKind.PARAMETERS),
                    plan.memory().parametersInMemory(),
                    "the plan's parameters in memory");
        }
        long foreign = everything - owned;
        long foreignHeld = map.elements() - map.owned(rank, true).elements();
        if (cell.stage() < 3 && rank == 0) {
            long atStart = element * (cell.stage() == 0 ? foreignHeld - foreign : foreignHeld);
            assertEquals(
                    plan.memory().gatheredPerStep() * STEPS + atStart,
                    usage.traffic().allGatherBytes(),
                    "the plan's bytes gathered");
        }
        long units =
                map.layout().units().stream()
                        .filter(unit -> map.trainableElements(map.unitIndex(unit)) > 0)
                        .count();
        assertEquals(units * cell.accumulation() * STEPS, usage.exchanges(), "exchanges");
        assertEquals(
                (everything - owned) * element * cell.accumulation() * STEPS,
                usage.traffic().reduceScatterBytes(),
                "bytes of contributions handed to others");
    }

    /** The plan's bytes to and from files, held against those of a step of rank 0. */
    private static void assertMoved(Cell cell, TrainingPlan plan, Transfers moved) {
        long read = plan.memory().nvmeReadPerStep();
        long written = plan.memory().nvmeWrittenPerStep();
        if (cell.stage() < 3 || !cell.stored()) {
            assertEquals(read, moved.readBytes(), "bytes read in a step");
            assertEquals(written, moved.writtenBytes(), "bytes written in a step");
            return;
        }
        // A unit that is still there is not read again; 16-bit runs fill whole blocks.
        long padding = 4096L * plan.partition().owned(0, true).runs().size();
        long gathers = 2L * cell.accumulation();
        assertTrue(moved.readBytes() <= read + gathers * padding, "bytes read in a step");
        assertTrue(
                moved.writtenBytes() >= written && moved.writtenBytes() <= written + padding,
                "bytes written in a step: %,d, planned %,d"
                        .formatted(moved.writtenBytes(), written));
    }

    static Batch batch(Arena arena) {
        int samples = MICRO * CONTRIBUTIONS;
        return new Batch(0, samples, field(arena, samples), field(arena, samples));
    }

    private static Field field(Arena arena, int samples) {
        return new Field(
                Field.Type.INT32,
                List.of(AwkwardModel.CONTEXT),
                arena.allocate(4L * samples * AwkwardModel.CONTEXT, 64));
    }

    /** Fills a batch by arithmetic; a negative {@code order} exchanges neighbouring micro-batches. */
    static void fill(Batch batch, int step, int order) {
        int tokens = AwkwardModel.CONTEXT;
        for (int sample = 0; sample < batch.samples(); sample++) {
            int micro = sample / MICRO;
            int from = (order > 0 ? micro : micro ^ 1) * MICRO + sample % MICRO;
            for (int t = 0; t < tokens; t++) {
                int value =
                        (step * 31 + from * 17 + t * t * 5 + t * from) % AwkwardModel.VOCABULARY;
                put(batch.input(), sample * tokens + t, value);
                put(batch.target(), sample * tokens + t, (value + 3) % AwkwardModel.VOCABULARY);
            }
        }
    }

    private static void put(Field field, long index, int value) {
        MemorySegment data = field.data();
        data.setAtIndex(ValueLayout.JAVA_INT, index, value);
    }
}
