package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.model.builtin.Gpt;
import ds.offload.StorageProviders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a long run holds on to: descriptors, mapped bytes, arenas, memory and threads are after
 * thousands of steps what they were after a few. The long form, 10,000 steps with each backend, is
 * {@code ./mvnw verify -Ploss}.
 */
@EnabledOnOs(OS.LINUX)
class ManyStepsTest {
    private static final int STEPS = Boolean.getBoolean("ds.loss") ? 10_000 : 120;
    private static final int FIRST = 20; // by then everything was used once
    private static final int SAMPLES = 10;
    private static final int RANKS = 2;

    @TempDir Path directory;

    static Stream<String> backends() {
        return StorageProviders.table(ModuleLayer.boot()).all().stream()
                .filter(each -> each.unavailable().isEmpty())
                .map(each -> each.name());
    }

    private Engine engine(String backend) {
        String place = "{\"device\": \"nvme\", \"nvme_path\": \"%s\"}".formatted(directory);
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 1,
                         "gradient_clipping": 1.0, "bf16": {"enabled": true},
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.001}},
                         "zero_optimization": {"stage": 3, "offload_optimizer": %s,
                             "offload_param": %s},
                         "jvm": {"storage_backend": "%s", "offload_gradients": "nvme"}}
                        """
                                .formatted(
                                        place,
                                        place.replace("}", ", \"max_in_cpu\": 0}"),
                                        backend));
        Gpt model = Gpt.of(g -> g.layers(1).width(16).heads(1).context(Rhyme.CONTEXT));
        return DeepSpeed.initialize(
                model, config, o -> o.trainingData(Rhyme.TEXT).ranks(RANKS).workers(1).seed(5));
    }

    /** Returns what the process and the engine hold, by name. */
    private Map<String, Long> held(Engine engine) throws IOException {
        Map<String, Long> held = new TreeMap<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                String target = target(descriptor);
                if (target.startsWith(directory.toString())) {
                    held.merge("descriptors of the store", 1L, Long::sum);
                } else if (target.startsWith("anon_inode:")) {
                    held.merge("descriptors without a file", 1L, Long::sum);
                }
            }
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            if (line.contains(directory.toString()) || line.contains("anon_inode:")) {
                String[] ends = line.substring(0, line.indexOf(' ')).split("-");
                long bytes = Long.parseLong(ends[1], 16) - Long.parseLong(ends[0], 16);
                held.merge("mapped bytes", bytes, Long::sum);
            }
        }
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("ds-")) {
                held.merge("threads", 1L, Long::sum);
            }
        }
        held.put("allocations", engine.allocationCount());
        held.put("bytes", bytes(engine));
        held.put("files", files());
        return held;
    }

    private static long bytes(Engine engine) {
        return IntStream.range(0, RANKS)
                .mapToObj(rank -> engine.usage(rank).bytes())
                .flatMap(kinds -> kinds.values().stream())
                .mapToLong(Long::longValue)
                .sum();
    }

    private long files() throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.count();
        }
    }

    private static String target(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (NoSuchFileException e) {
            return ""; // that of the listing itself
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void nothingGrows(String backend) throws IOException {
        try (Engine engine = engine(backend)) {
            engine.steps(FIRST).forEach(_ -> {});
            Map<String, Long> first = held(engine);
            List<Map<String, Long>> later = new ArrayList<>();
            for (int i = 0; i < SAMPLES; i++) {
                engine.steps((STEPS - FIRST) / SAMPLES).forEach(_ -> {});
                later.add(held(engine));
            }
            assertTrue(first.get("descriptors of the store") > 0, first.toString());
            assertTrue(first.get("threads") >= RANKS, first.toString());
            for (Map<String, Long> sample : later) {
                assertEquals(first, sample);
            }
        }
    }
}
