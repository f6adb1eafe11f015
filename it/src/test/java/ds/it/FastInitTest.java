package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.EngineOptions;
import ds.model.builtin.Gpt;
import ds.offload.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code fast_init} changes no bit, and what it makes is a store like any other. */
class FastInitTest {
    private static final int STEPS = 3;

    @TempDir private Path directory;

    private Engine open(boolean fast, String backend, String codec, Consumer<EngineOptions> more) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 1,
                         "bf16": {"enabled": true},
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                         "zero_optimization": {"stage": 3, "offload_optimizer":
                             {"device": "nvme", "nvme_path": "%s", "fast_init": %s}},
                         "jvm": {"chunk_bytes": 65536, "storage_backend": "%s", "state_codec": "%s"}}
                        """
                                .formatted(directory.resolve("nvme"), fast, backend, codec));
        Gpt model = Gpt.of(g -> g.layers(2).width(64).heads(2).context(Rhyme.CONTEXT));
        return DeepSpeed.initialize(
                model,
                config,
                o -> {
                    o.trainingData(Rhyme.TEXT).ranks(2).workers(1).seed(5);
                    more.accept(o);
                });
    }

    private static List<String> train(Engine engine) {
        List<String> bits = new ArrayList<>();
        engine.steps(STEPS).forEach(report -> bits.add(KilledRun.bits(report)));
        bits.add(engine.parameterHash());
        return bits;
    }

    @ParameterizedTest
    @CsvSource({"auto, fp32", "auto, int8_block", "channel, fp32"})
    void aStoreMadeFastGoesOnWithTheSameBits(String backend, String codec) throws IOException {
        List<String> first;
        List<String> second;
        try (Engine engine = open(false, backend, codec, _ -> {})) {
            first = train(engine);
            second = train(engine);
        }
        try (Engine engine = open(true, backend, codec, _ -> {})) {
            assertEquals(first, train(engine));
            assertTrue(engine.keepStore().isPresent());
        }
        try (Stream<Path> found = Files.walk(directory.resolve("nvme"))) {
            List<Path> stores =
                    found.filter(path -> path.getFileName().toString().startsWith("rank-"))
                            .toList();
            assertEquals(2, stores.size());
            for (Path store : stores) {
                assertEquals(List.of(), Stores.verify(store).problems());
            }
        }
        try (Engine engine =
                open(true, backend, codec, o -> o.resumeStore(directory.resolve("nvme")))) {
            assertEquals(second, train(engine));
        }
    }
}
