package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.config.DsConfig;
import ds.core.MemoryKind;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.plan.MemoryEstimate;
import ds.model.TrainableModel;
import ds.model.builtin.Gpt;
import ds.zero.ZeroUsage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What {@code ds plan} says of a rank's memory and files is what the rank takes, kind by kind and
 * within 5 % of each resting place. Activations are the model's own.
 */
class PlannedMemoryTest {
    private static final double TOLERANCE = 0.05;
    private static final int WORLD = 2;
    private static final int STEPS = 3;

    @TempDir private Path directory;

    private String place(String device, String more) {
        return "{\"device\": \"%s\", \"nvme_path\": \"%s\"%s}".formatted(device, directory, more);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "AdamW | 0 | fp32 | none | none | none | 0",
                "AdamW | 1 | fp32 | cpu  | none | none | 0",
                "AdamW | 1 | bf16 | cpu  | none | none | 0",
                "AdamW | 2 | bf16 | nvme | none | none | 0",
                "AdamW | 2 | bf16 | nvme | none | nvme | 0",
                "AdamW | 3 | bf16 | none | none | none | 0",
                "AdamW | 3 | bf16 | nvme | nvme | none | 0",
                "AdamW | 3 | bf16 | nvme | nvme | nvme | 0",
                "AdamW | 3 | fp32 | nvme | nvme | nvme | 0",
                "AdamW | 3 | bf16 | nvme | nvme | nvme | 300000",
                "AdamW | 3 | bf16 | nvme | nvme | nvme | 100000000",
                "AdamW | 3 | fp32 | cpu  | nvme | none | 0",
                "Lamb  | 3 | bf16 | nvme | nvme | nvme | 0",
                "SGD   | 3 | bf16 | nvme | nvme | none | 300000",
                "Muon  | 3 | bf16 | nvme | nvme | nvme | 0",
                "Muon  | 2 | fp32 | cpu  | none | none | 0"
            })
    void memoryAndFilesAreAsPlanned(
            String optimizer,
            int stage,
            String precision,
            String states,
            String parameters,
            String gradients,
            int maxInCpu)
            throws IOException {
        assertPlanned(
                Gpt.of(g -> g.layers(6).width(128).heads(2).context(Rhyme.CONTEXT)),
                """
                "bf16": {"enabled": %s},
                "optimizer": {"type": "%s", "params": {"lr": 0.001}},
                "zero_optimization": {"stage": %d, "stage3_param_persistence_threshold": 0,
                    "offload_optimizer": %s, "offload_param": %s},
                "jvm": {"chunk_bytes": 196608, "offload_gradients": "%s"}
                """
                        .formatted(
                                precision.equals("bf16"),
                                optimizer,
                                stage,
                                place(states, ""),
                                place(
                                        parameters,
                                        ", \"buffer_size\": 50000, \"buffer_count\": 3, \"max_in_cpu\": "
                                                + maxInCpu),
                                gradients));
    }

    @ParameterizedTest
    @CsvSource({
        "true, true, 4",
        "false, true, 4",
        "true, false, 4",
        "false, false, 4",
        "false, true, 1"
    })
    void buffersThatNothingOverlapsInAreNotTaken(boolean read, boolean write, int buffers)
            throws IOException {
        for (String gradients : new String[] {"none", "nvme"}) {
            assertPlanned(
                    Gpt.of(g -> g.layers(6).width(128).heads(2).context(Rhyme.CONTEXT)),
                    """
                    "bf16": {"enabled": true},
                    "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                    "zero_optimization": {"stage": 3, "offload_optimizer": %s},
                    "jvm": {"chunk_bytes": 196608, "offload_gradients": "%s"}
                    """
                            .formatted(
                                    place(
                                            "nvme",
                                            """
                                            , "pipeline_read": %s, "pipeline_write": %s, "buffer_count": %d"""
                                                    .formatted(read, write, buffers)),
                                    gradients));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, cpu, none, none, fp32",
        "2, cpu, none, none, bf16",
        "2, nvme, none, nvme, fp32",
        "3, cpu, cpu, none, int8_block",
        "3, nvme, nvme, nvme, fp32",
        "3, none, nvme, none, fp32"
    })
    void whatIsLockedIsAsPlanned(
            int stage, String states, String parameters, String gradients, String codec)
            throws IOException {
        assertPlanned(
                Gpt.of(g -> g.layers(6).width(128).heads(2).context(Rhyme.CONTEXT)),
                """
                "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                "zero_optimization": {"stage": %d, "offload_optimizer": %s, "offload_param": %s},
                "jvm": {"chunk_bytes": 196608, "offload_gradients": "%s", "state_codec": "%s"}
                """
                        .formatted(
                                stage,
                                place(
                                        states,
                                        ", \"pin_memory\": true, \"ratio\": "
                                                + (stage == 3 ? 0.5 : 1)),
                                place(parameters, ", \"pin_memory\": true, \"max_in_cpu\": 300000"),
                                gradients,
                                codec));
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8_block", "bf16"})
    void encodedStateIsAsPlanned(String codec) throws IOException {
        for (String device : new String[] {"cpu", "nvme"}) {
            assertPlanned(
                    Gpt.of(g -> g.layers(6).width(128).heads(2).context(Rhyme.CONTEXT)),
                    """
                    "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                    "zero_optimization": {"stage": 2, "offload_optimizer": %s},
                    "jvm": {"chunk_bytes": 196608, "state_codec": "%s"}
                    """
                            .formatted(place(device, ""), codec));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3_000, 1_000_000})
    void unitsThatStayAndTiedOnesAreAsPlanned(int persistent) throws IOException {
        assertPlanned(
                Gpt.of(g -> g.layers(6).width(128).heads(2).context(Rhyme.CONTEXT).tied(false)),
                """
                "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                "zero_optimization": {"stage": 3, "stage3_param_persistence_threshold": %d}
                """
                        .formatted(persistent));
        assertPlanned(
                new AwkwardModel(),
                """
                "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                "zero_optimization": {"stage": 3, "stage3_param_persistence_threshold": %d}
                """
                        .formatted(persistent));
    }

    private static void assertPlanned(TrainableModel model, String keys) throws IOException {
        DsConfig config =
                DsConfig.parse(
                        "{\"train_batch_size\": 4, \"train_micro_batch_size_per_gpu\": 1, %s}"
                                .formatted(keys));
        try (Engine engine =
                DeepSpeed.initialize(
                        model,
                        config,
                        o ->
                                o.trainingData(
                                                model instanceof AwkwardModel
                                                        ? AwkwardEngine.text()
                                                        : Rhyme.TEXT)
                                        .ranks(WORLD)
                                        .workers(1)
                                        .seed(5))) {
            engine.steps(STEPS).forEach(_ -> {});
            for (int rank = 0; rank < WORLD; rank++) {
                assertTaken(engine.plan().memory(rank), engine.usage(rank));
            }
        }
    }

    private static void assertTaken(MemoryEstimate plan, ZeroUsage usage) throws IOException {
        Map<MemoryKind, Long> taken = new EnumMap<>(usage.bytes());
        taken.remove(MemoryKind.ACTIVATIONS);
        assertNear(
                plan.inMemory(),
                taken.values().stream().mapToLong(Long::longValue).sum(),
                "in memory: " + taken + ", " + plan);
        assertEquals(plan.liveUnits(), taken.get(MemoryKind.LIVE_UNITS), "live units");
        assertEquals(plan.buckets(), taken.get(MemoryKind.BUCKETS), "buckets");
        assertEquals(plan.parametersInMemory(), taken.get(MemoryKind.PARAMETERS), "parameters");
        assertNear(plan.staging(), taken.get(MemoryKind.STAGING), "staging");
        if (usage.lockedBytes() < plan.locked()) {
            assumeTrue(
                    WORLD * plan.locked() <= LockedRun.limitBytes(),
                    "the limit of locked memory is too low (ulimit -l)");
        }
        assertEquals(plan.locked(), usage.lockedBytes(), "locked");
        assertEquals(plan.stored(), usage.storedBytes(), "in files");
    }

    private static void assertNear(long planned, long taken, String what) {
        assertTrue(
                Math.abs(planned - taken) <= TOLERANCE * taken,
                () -> "%s: %,d planned, %,d taken".formatted(what, planned, taken));
    }
}
