package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.model.builtin.Gpt;
import ds.offload.RestingPlace;
import ds.offload.StagingSlots;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reading ahead and writing behind are as the keys say, on if absent, and never change a bit. */
class PipelineKeysTest {
    private static final int STEPS = 4;

    @TempDir private Path directory;

    private Engine open(String optimizer, String keys, String jvm) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 1,
                         "bf16": {"enabled": true}, "gradient_clipping": 0.5,
                         "optimizer": {"type": "%s", "params": {"lr": 0.001}},
                         "zero_optimization": {"stage": 3, "offload_optimizer":
                             {"device": "nvme", "nvme_path": "%s"%s}},
                         "jvm": {"chunk_bytes": 65536%s}}
                        """
                                .formatted(optimizer, directory, keys, jvm));
        Gpt model = Gpt.of(g -> g.layers(2).width(64).heads(2).context(Rhyme.CONTEXT).dropout(0.1));
        return DeepSpeed.initialize(
                model, config, o -> o.trainingData(Rhyme.TEXT).ranks(2).workers(1).seed(5));
    }

    private List<String> train(String optimizer, String keys, String jvm) {
        List<String> bits = new ArrayList<>();
        try (Engine engine = open(optimizer, keys, jvm)) {
            for (StepReport report : engine.steps(STEPS)) {
                bits.add(KilledRun.bits(report));
            }
            bits.add(engine.parameterHash());
        }
        return bits;
    }

    private static String keys(boolean read, boolean write) {
        return ", \"pipeline_read\": %s, \"pipeline_write\": %s".formatted(read, write);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "AdamW | ''",
                "AdamW | , \"commit_every_steps\": 3",
                "AdamW | , \"offload_gradients\": \"nvme\"",
                "AdamW | , \"state_codec\": \"int8_block\"",
                "Lamb  | , \"offload_gradients\": \"nvme\"",
                "Muon  | ''"
            })
    void everyWayHasTheSameBits(String optimizer, String jvm) {
        List<String> expected = train(optimizer, "", jvm);
        for (boolean read : new boolean[] {true, false}) {
            for (boolean write : new boolean[] {true, false}) {
                String keys = keys(read, write);
                assertEquals(expected, train(optimizer, keys, jvm), keys);
                String shared = keys + ", \"ratio\": 0.5";
                assertEquals(expected, train(optimizer, shared, jvm), shared);
            }
        }
    }

    private StagingSlots slots(String keys) {
        try (Engine engine = open("AdamW", keys, "")) {
            return ((RestingPlace.OnNvme) engine.plan().zero().optimizer()).slots();
        }
    }

    @Test
    void absentKeysMeanOnAndWrittenOnesWhatTheySay() {
        assertEquals(new StagingSlots(4, false, true, true), slots(""));
        assertEquals(new StagingSlots(4, false, true, true), slots(keys(true, true)));
        assertEquals(new StagingSlots(4, false, false, true), slots(keys(false, true)));
        assertEquals(new StagingSlots(4, false, true, false), slots(keys(true, false)));
        assertEquals(new StagingSlots(4, false, false, false), slots(keys(false, false)));
        assertEquals(new StagingSlots(4, false, false, true), slots(", \"pipeline_read\": false"));
    }
}
