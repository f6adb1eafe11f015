package ds.it;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A way to compute, drawn by chance: ranks, stage, resting places and how they are used. None of it
 * may be seen in a single bit.
 */
record RandomWay(int world, int workers, boolean recomputed, String zero, String jvm) {
    private static final int MICRO = 2;
    private static final int CONTRIBUTIONS = 6;

    /** Returns the way of a run that every other is held against. */
    static RandomWay plain(RandomNumerics numerics) {
        return new RandomWay(
                Math.max(1, numerics.world()),
                1,
                false,
                "\"stage\": %d".formatted(numerics.narrowMasters() ? 1 : 0),
                "");
    }

    /** Draws a way for such numerics, whose files lie in a directory. */
    static RandomWay draw(SplittableRandom random, RandomNumerics numerics, Path files) {
        int world = numerics.world() > 0 ? numerics.world() : 1 + random.nextInt(3);
        int stage = numerics.narrowMasters() ? 1 + random.nextInt(3) : random.nextInt(4);
        String place =
                numerics.narrowMasters()
                        ? pick(random, "none", "cpu")
                        : pick(random, "none", "cpu", "nvme", "nvme");
        boolean striped = random.nextInt(3) == 0;
        Optional<Path> path = striped ? Optional.empty() : Optional.of(files);
        List<String> zero = new ArrayList<>();
        zero.add("\"stage\": %d".formatted(stage));
        zero.add(
                "\"offload_optimizer\": {%s, \"buffer_count\": %d, \"pin_memory\": %b, \"pipeline_read\": %b, \"pipeline_write\": %b%s}"
                        .formatted(
                                device(place, path),
                                2 + random.nextInt(5),
                                random.nextBoolean(),
                                random.nextBoolean(),
                                random.nextBoolean(),
                                stage == 3 && !place.equals("none")
                                        ? ", \"ratio\": " + pick(random, "1.0", "0.4", "0.0")
                                        : ""));
        if (random.nextBoolean()) {
            zero.add("\"sub_group_size\": %d".formatted(1000 + random.nextInt(20_000)));
        }
        if (stage == 3) {
            String parameters =
                    numerics.narrowMasters()
                            ? pick(random, "none", "cpu")
                            : pick(random, "none", "cpu", "nvme");
            zero.add(
                    "\"offload_param\": {%s, \"pin_memory\": %b, \"buffer_count\": %d, \"max_in_cpu\": %d, \"buffer_size\": %d}"
                            .formatted(
                                    device(parameters, path),
                                    random.nextBoolean(),
                                    1 + random.nextInt(5),
                                    random.nextBoolean() ? 0 : random.nextInt(30_000),
                                    2048 + random.nextInt(30_000)));
            zero.add(
                    "\"stage3_param_persistence_threshold\": %d, \"stage3_max_live_parameters\": %d"
                            .formatted(
                                    random.nextBoolean() ? 0 : random.nextInt(2000),
                                    100_000 + random.nextInt(100_000)));
        }
        String keys = String.join(", ", zero);
        String paths =
                striped && keys.contains("nvme")
                        ? ", \"nvme_paths\": [\"%s\", \"%s\"]"
                                .formatted(files, files.resolve("second"))
                        : "";
        return new RandomWay(
                world,
                1 + random.nextInt(2),
                random.nextBoolean(),
                keys,
                drawRuntime(random, stage, place) + paths);
    }

    private static String drawRuntime(SplittableRandom random, int stage, String place) {
        List<String> jvm = new ArrayList<>();
        jvm.add("\"chunk_bytes\": %d".formatted(4096 << random.nextInt(6)));
        jvm.add("\"storage_backend\": \"%s\"".formatted(pick(random, "auto", "channel", "mapped")));
        if (place.equals("nvme") && stage >= 2 && random.nextBoolean()) {
            jvm.add("\"offload_gradients\": \"nvme\"");
        }
        if (random.nextInt(4) == 0) {
            jvm.add("\"crash_consistent\": false");
        } else {
            jvm.add(
                    "\"generations\": %d, \"commit_every_steps\": %d"
                            .formatted(2 + random.nextInt(2), 1 + random.nextInt(3)));
        }
        return String.join(", ", jvm);
    }

    private static String device(String place, Optional<Path> path) {
        return place.equals("nvme") && path.isPresent()
                ? "\"device\": \"nvme\", \"nvme_path\": \"%s\"".formatted(path.orElseThrow())
                : "\"device\": \"%s\"".formatted(place);
    }

    /** Returns the configuration of a run of such numerics in this way. */
    String json(RandomNumerics numerics) {
        return """
        {"train_batch_size": %d, "train_micro_batch_size_per_gpu": %d, %s,
         "zero_optimization": {%s}, "jvm": {%s}}
        """
                .formatted(
                        MICRO * CONTRIBUTIONS,
                        MICRO,
                        numerics.json(),
                        zero,
                        Stream.of(numerics.jvm(), jvm)
                                .filter(keys -> !keys.isEmpty())
                                .collect(Collectors.joining(", ")));
    }

    static String pick(SplittableRandom random, String... of) {
        return of[random.nextInt(of.length)];
    }
}
