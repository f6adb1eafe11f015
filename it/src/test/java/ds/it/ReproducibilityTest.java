package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.config.DsConfig;
import ds.core.Device;
import ds.core.HostDevice;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.data.Dataset;
import ds.engine.data.TextDataset;
import ds.model.builtin.Gpt;
import ds.testkit.DetachedDevice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The same bits next year and on another machine: hashes of all parameters after 20 steps, committed
 * here. A change that moves one of them changes everybody's loss curves and belongs in an ADR.
 */
class ReproducibilityTest {
    private static final int STEPS = 20;

    @TempDir private Path directory;

    @ParameterizedTest
    @CsvSource({
        "fp32, 8d7791e0a9c83859e04d2a9e35dee55b324e33c6fc5c74bdf8affcd33d43546d",
        "bf16, 86ef60e8953407382904d10af7083ff98381342b10843053b0631e9e1dd4e48c",
        "fp16, aba3f3771290990d07872094a0c97e2fa98d69bce83775ec7d175b1c570459cf",
    })
    void twentyStepsGiveTheCommittedHash(String precision, String hash) {
        assertEquals(hash, train(precision, STEPS, HostDevice::new), precision);
    }

    @Test
    void aDeviceWithItsOwnMemoryGivesTheSameBits() {
        String onHost = train("bf16", 3, HostDevice::new);
        assertEquals(onHost, train("bf16", 3, () -> new DetachedDevice(5)));
    }

    private String train(String precision, int steps, Supplier<Device> device) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 8, "train_micro_batch_size_per_gpu": 2,
                         "gradient_clipping": 1.0,
                         "optimizer": {"type": "AdamW", "params": {"lr": 3e-3, "weight_decay": 0.01}},
                         "scheduler": {"type": "WarmupDecayLR",
                                       "params": {"total_num_steps": 40, "warmup_num_steps": 5,
                                                  "warmup_max_lr": 3e-3}},
                         %s
                         "zero_optimization": {"stage": 3,
                             "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}}}
                        """
                                .formatted(
                                        precision.equals("fp32")
                                                ? ""
                                                : "\"%s\": {\"enabled\": true}, "
                                                        .formatted(precision),
                                        directory));
        Gpt model =
                Gpt.of(g -> g.layers(2).width(48).heads(3).context(32).dropout(0.1f).tied(true));
        try (Engine engine =
                DeepSpeed.initialize(
                        model,
                        config,
                        o -> o.trainingData(text()).ranks(2).workers(1).seed(3).device(device))) {
            for (StepReport report : engine.steps(steps)) {
                assertEquals(1, Math.signum(report.loss()));
            }
            return engine.parameterHash();
        }
    }

    private Dataset text() {
        try {
            Path file = directory.resolve("text.txt");
            StringBuilder text = new StringBuilder();
            for (int i = 0; text.length() < 20_000; i++) {
                text.append("line ").append(i * i % 997).append(" of ").append(i).append('\n');
            }
            return TextDataset.bytes(Files.writeString(file, text), 32);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
