package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.model.builtin.Gpt;
import ds.offload.Transfers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Working parameters on NVMe are written as the step goes through its chunks, in whole blocks: the
 * masters are not read once more, unless the optimizer steps whole matrices beside them.
 */
class PublishTest {
    private static final int STEPS = 3;

    @TempDir Path directory;

    private Engine engine(
            String optimizer, String codec, int chunkBytes, boolean stored, int kept) {
        String place =
                stored
                        ? "{\"device\": \"nvme\", \"nvme_path\": \"%s\"}".formatted(directory)
                        : "{\"device\": \"none\"}";
        String parameters = place.replace("}", ", \"max_in_cpu\": %d}".formatted(kept));
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 2, "bf16": {"enabled": true},
                         "optimizer": {"type": "%s", "params": {"lr": 0.001}},
                         "zero_optimization": {"stage": 3, "offload_optimizer": %s,
                             "offload_param": %s},
                         "jvm": {"chunk_bytes": %d, "state_codec": "%s"}}
                        """
                                .formatted(optimizer, place, parameters, chunkBytes, codec));
        Gpt model = Gpt.of(g -> g.layers(2).width(64).heads(2).context(Rhyme.CONTEXT));
        return DeepSpeed.initialize(
                model, config, o -> o.trainingData(Rhyme.TEXT).workers(1).seed(5));
    }

    @ParameterizedTest
    @CsvSource({
        "AdamW, fp32, 65536, 0, false",
        "AdamW, fp32, 65536, 60000, false",
        "AdamW, fp32, 1048576, 0, false",
        "Lamb, fp32, 65536, 0, false",
        "Lamb, fp32, 65536, 60000, false",
        "Muon, fp32, 65536, 0, true",
        "Muon, fp32, 65536, 60000, true",
        "AdamW, int8_block, 1048576, 0, false",
        "AdamW, int8_block, 1048576, 60000, false"
    })
    void movesWhatThePlanSays(
            String optimizer, String codec, int chunkBytes, int kept, boolean again) {
        List<String> bits = new ArrayList<>();
        try (Engine engine = engine(optimizer, codec, chunkBytes, true, kept)) {
            long inMemory = engine.plan().memory().parametersInMemory();
            assertEquals(kept > 0, inMemory > 0, "some stay in memory");
            assertTrue(inMemory < engine.plan().memory().parameters(), "some do not");
            for (StepReport report : engine.steps(STEPS)) {
                bits.add(Double.toHexString(report.loss()));
                long read = engine.plan().memory().nvmeReadPerStep();
                long written = engine.plan().memory().nvmeWrittenPerStep();
                long runs = engine.plan().partition().owned(0, true).runs().size();
                // Runs of 16-bit values end in blocks that are not full, those of codes as well.
                long padding = 4096 * runs * (codec.equals("fp32") ? 1 : 3);
                long masters = engine.plan().memory().masters();
                Transfers moved = report.transfers();
                assertTrue(masters > 4 * padding, "a second reading would be seen");
                assertTrue(
                        moved.readBytes() <= read + 2 * padding,
                        "%,d read, %,d planned".formatted(moved.readBytes(), read));
                assertTrue(
                        moved.writtenBytes() >= written
                                && moved.writtenBytes() <= written + padding,
                        "%,d written, %,d planned".formatted(moved.writtenBytes(), written));
                assertEquals(
                        again,
                        moved.readBytes() >= moved.writtenBytes() + masters - 4 * padding,
                        "masters read again");
            }
        }
        if (codec.equals("fp32")) {
            try (Engine engine = engine(optimizer, codec, chunkBytes, false, kept)) {
                List<String> expected = new ArrayList<>();
                engine.steps(STEPS)
                        .forEach(report -> expected.add(Double.toHexString(report.loss())));
                assertEquals(expected, bits);
            }
        }
    }
}
