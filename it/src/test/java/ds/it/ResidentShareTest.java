package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.core.MemoryKind;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.plan.MemoryEstimate;
import ds.model.builtin.Gpt;
import ds.offload.Transfers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever share of the state stays in memory, the bits are the same, and the bytes as planned. */
class ResidentShareTest {
    private static final int STEPS = 4;

    @TempDir Path directory;

    private DsConfig config(String optimizer, double ratio, String jvm) {
        return config(optimizer, ratio, 65_536, jvm);
    }

    private DsConfig config(String optimizer, double ratio, int chunkBytes, String jvm) {
        return DsConfig.parse(
                """
                {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 2, "bf16": {"enabled": true},
                 "gradient_clipping": 0.5,
                 "optimizer": {"type": "%s", "params": {"lr": 0.001}},
                 "zero_optimization": {"stage": 3, "offload_optimizer":
                     {"device": "nvme", "nvme_path": "%s", "ratio": %s}},
                 "jvm": {"chunk_bytes": %d%s}}
                """
                        .formatted(optimizer, directory, ratio, chunkBytes, jvm));
    }

    private static Engine open(DsConfig config, int ranks) {
        Gpt model = Gpt.of(g -> g.layers(2).width(64).heads(2).context(Rhyme.CONTEXT).dropout(0.1));
        return DeepSpeed.initialize(
                model, config, o -> o.trainingData(Rhyme.TEXT).ranks(ranks).workers(1).seed(5));
    }

    private static String bits(StepReport report) {
        return Double.toHexString(report.loss()) + " " + Double.toHexString(report.gradNorm());
    }

    private List<String> train(DsConfig config, int ranks) {
        List<String> bits = new ArrayList<>();
        try (Engine engine = open(config, ranks)) {
            long allocations = 0;
            for (StepReport report : engine.steps(STEPS)) {
                bits.add(bits(report));
                if (report.step() > 1) {
                    assertEquals(allocations, engine.allocationCount(), "allocated in a step");
                }
                allocations = engine.allocationCount();
            }
            bits.add(engine.parameterHash());
        }
        return bits;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "AdamW | 1 | ''",
                "AdamW | 2 | , \"commit_every_steps\": 3",
                "AdamW | 2 | , \"crash_consistent\": false",
                "AdamW | 2 | , \"offload_gradients\": \"nvme\"",
                "AdamW | 1 | , \"state_codec\": \"int8_block\"",
                "Lamb  | 2 |",
                "Muon  | 2 |"
            })
    void everyShareHasTheSameBits(String optimizer, int ranks, String jvm) {
        String more = jvm == null ? "" : jvm;
        List<String> expected = train(config(optimizer, 1, more), ranks);
        for (double ratio : new double[] {0.6, 0}) {
            assertEquals(expected, train(config(optimizer, ratio, more), ranks), "ratio " + ratio);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "AdamW | ''",
                "AdamW | , \"commit_every_steps\": 2",
                "AdamW | , \"crash_consistent\": false",
                "Muon  | ''"
            })
    void theBytesAreThoseOfThePlan(String optimizer, String jvm) {
        for (double ratio : new double[] {1, 0.6, 0}) {
            try (Engine engine = open(config(optimizer, ratio, jvm), 1)) {
                MemoryEstimate memory = engine.plan().memory();
                Map<MemoryKind, Long> bytes = engine.usage(0).bytes();
                long inMemory =
                        bytes.get(MemoryKind.MASTERS) + bytes.get(MemoryKind.OPTIMIZER_STATES);
                assertEquals(memory.resident(), inMemory);
                double share = 1 - (double) inMemory / (memory.masters() + memory.states());
                assertEquals(ratio, share, 0.1);
                assertEquals(engine.usage(0).storedBytes(), memory.stored(), "files are complete");
                long read = 0;
                long written = 0;
                for (StepReport report : engine.steps(STEPS)) {
                    Transfers moved = report.transfers();
                    read += moved.readBytes();
                    written += moved.writtenBytes();
                }
                Map<MemoryKind, Long> after = engine.usage(0).bytes();
                long taken =
                        after.values().stream().mapToLong(Long::longValue).sum()
                                - after.get(MemoryKind.ACTIVATIONS);
                assertEquals(1, (double) memory.inMemory() / taken, 0.05, "beside activations");
                assertEquals(STEPS * memory.nvmeReadPerStep(), read);
                assertEquals(STEPS * memory.nvmeWrittenPerStep(), written);
            }
        }
    }

    @Test
    void aStoreGoesOnWithAnotherShare() throws Exception {
        List<String> expected = train(config("AdamW", 1, ""), 2);
        List<String> bits = new ArrayList<>();
        double[] ratios = {0.6, 1, 0, 0.3};
        for (int step = 0; step < STEPS; step++) {
            boolean goesOn = step > 0;
            try (Engine engine =
                    DeepSpeed.initialize(
                            Gpt.of(
                                    g ->
                                            g.layers(2)
                                                    .width(64)
                                                    .heads(2)
                                                    .context(Rhyme.CONTEXT)
                                                    .dropout(0.1)),
                            config("AdamW", ratios[step], ""),
                            o -> {
                                o.trainingData(Rhyme.TEXT).ranks(2).workers(1).seed(5);
                                if (goesOn) {
                                    o.resumeStore(directory);
                                }
                            })) {
                bits.add(bits(engine.trainStep()));
                if (step == STEPS - 1) {
                    bits.add(engine.parameterHash());
                }
                engine.keepStore();
            }
        }
        assertEquals(expected, bits);
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(1, left.count(), "one store, resumed again and again");
        }
    }

    @Test
    void thePlanSaysWhatStaysInMemoryAndWhenChunksAreTooFew() {
        try (Engine engine = open(config("AdamW", 0.6, ""), 1)) {
            String plan = engine.plan().toString();
            assertTrue(
                    plan.lines()
                            .anyMatch(
                                    line ->
                                            line.matches(
                                                    "ratio +0\\.6, in whole chunks 0\\.[56]\\d: [0-9.]+ KiB of"
                                                            + " [0-9.]+ MiB of masters and states stay in"
                                                            + " memory, written with each commit")),
                    plan);
            assertTrue(!plan.contains("offload_optimizer/ratio"), plan);
        }
        try (Engine engine = open(config("AdamW", 0.995, 32 << 20, ""), 1)) {
            String plan = engine.plan().toString();
            assertTrue(
                    plan.lines()
                            .anyMatch(
                                    line ->
                                            line.matches(
                                                    "warning +/zero_optimization/offload_optimizer/ratio"
                                                            + " \\(5:\\d+\\) is 0\\.995, but whole chunks of"
                                                            + " 32\\.0 MiB rest on NVMe or in memory, so that all of the"
                                                            + " state rests on NVMe; a smaller jvm\\.chunk_bytes cuts finer")),
                    plan);
        }
    }
}
