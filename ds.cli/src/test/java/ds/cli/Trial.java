package ds.cli;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.EngineOptions;
import ds.engine.StepReport;
import ds.engine.data.Dataset;
import ds.engine.data.TextDataset;
import ds.engine.plan.TrainingPlan;
import ds.model.builtin.Gpt;
import ds.offload.FileOperations;
import ds.offload.Stores;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * One configuration that is run to see what a key does.
 *
 * @param config as a map
 * @param scratch an empty directory of its own
 */
record Trial(Map<String, Object> config, Path scratch) {
    /** In place of a value: the key is not written at all. */
    static final Object ABSENT = new Object();

    /** In place of a path: a directory of the trial that {@code name} ends in. */
    record Below(String name) {}

    private static final int CONTEXT = 16;
    private static final long LIMIT_NANOS = 20_000_000_000L;
    private static final Gpt MODEL =
            Gpt.of(g -> g.layers(1).width(16).heads(2).context(CONTEXT).tied(true));

    /** Makes a configuration from dotted paths and values; a later value replaces an earlier one. */
    static Trial of(Path scratch, List<Object> settings) {
        Map<String, Object> root = new LinkedHashMap<>();
        for (int i = 0; i < settings.size(); i += 2) {
            Object value = settings.get(i + 1);
            put(root, settings.get(i).toString(), placed(scratch, value));
        }
        return new Trial(root, scratch);
    }

    private static Object placed(Path scratch, Object value) {
        return switch (value) {
            case Below(String name) -> scratch.resolve(name).toString();
            case List<?> values ->
                    values.stream().<Object>map(each -> placed(scratch, each)).toList();
            default -> value;
        };
    }

    @SuppressWarnings("unchecked") // every inner map was made here
    private static void put(Map<String, Object> root, String path, Object value) {
        Map<String, Object> map = root;
        String[] names = path.split("\\.");
        for (int i = 0; i < names.length - 1; i++) {
            map =
                    (Map<String, Object>)
                            map.computeIfAbsent(names[i], _ -> new LinkedHashMap<String, Object>());
        }
        String last = names[names.length - 1];
        if (value == ABSENT) {
            map.remove(last);
        } else {
            map.put(
                    last,
                    value instanceof Map<?, ?> inner
                            ? new LinkedHashMap<>((Map<String, Object>) inner)
                            : value);
        }
    }

    private Dataset text() {
        try {
            return TextDataset.bytes(
                    Files.writeString(
                            scratch.resolve("text.txt"),
                            "It was the best of times, it was the worst of times. ".repeat(40)),
                    CONTEXT);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private Engine open(int ranks, EngineChange change) {
        return DeepSpeed.initialize(
                MODEL, DsConfig.of(config), o -> change.apply(o.trainingData(text()).ranks(ranks)));
    }

    /** Changes what the engine is told. */
    private interface EngineChange {
        void apply(EngineOptions options);
    }

    /** Trains and looks at the engine and at the reports of its steps. */
    Object train(int ranks, int steps, BiFunction<Engine, List<StepReport>, Object> look) {
        try (Engine engine = open(ranks, _ -> {})) {
            List<StepReport> reports = new ArrayList<>();
            engine.steps(steps).forEach(reports::add);
            return look.apply(engine, reports);
        }
    }

    /** Looks at what the configuration became. */
    Object plan(Function<TrainingPlan, Object> look) {
        return plan(1, look);
    }

    /** Looks at what the configuration became for {@code ranks} ranks. */
    Object plan(int ranks, Function<TrainingPlan, Object> look) {
        try (Engine engine = open(ranks, _ -> {})) {
            return look.apply(engine.plan());
        }
    }

    /** Returns the lines of progress that {@code ds train} prints. */
    Object progressLines() {
        return messages()
                .filter(line -> line.matches("step \\d+/6 .*"))
                .map(line -> line.substring(0, line.indexOf(' ', 5)))
                .toList();
    }

    /** Returns how many lines say where the time of a step went. */
    Object timeLines() {
        return messages().filter(line -> line.matches("  time of step \\d+ \\(ms\\): .*")).count();
    }

    private Stream<String> messages() {
        try {
            Path file = scratch.resolve("ds.json");
            Files.writeString(file, Json.of(config));
            text();
            Ran ran =
                    Ran.ds(
                            "train",
                            "--config",
                            file,
                            "--data",
                            scratch.resolve("text.txt"),
                            "--model",
                            "gpt:layers=1,width=16,heads=2,context=" + CONTEXT,
                            "--steps",
                            6);
            if (ran.status() != 0) {
                throw new IllegalStateException(ran.messages());
            }
            return ran.messages().lines();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Returns the directories below the scratch directory that hold files during a run. */
    Object filledDirectories() {
        return train(
                1,
                1,
                (_, _) -> {
                    try (var files = Files.walk(scratch)) {
                        return files.filter(Files::isRegularFile)
                                .map(file -> scratch.relativize(file).getName(0).toString())
                                .filter(name -> !name.endsWith(".txt"))
                                .distinct()
                                .sorted()
                                .toList();
                    } catch (IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                });
    }

    /** Returns the step that a store's last commit says after three steps. */
    Object lastCommittedStep() {
        return train(
                1,
                3,
                (engine, _) -> {
                    engine.parameterHash(); // waits for the commit that is under way
                    return Stores.list(scratch.resolve("a")).getFirst().lastCommit().stream()
                            .map(commit -> commit.run().globalStep())
                            .toList();
                });
    }

    /** Holds every write back until a rank waits for one, and returns how the rank's thread waits. */
    Object waitingState() {
        CountDownLatch go = new CountDownLatch(1);
        boolean[] hold = new boolean[1];
        FileOperations slow = new SlowWrites(go, hold);
        Object[] state = new Object[1];
        try (Engine engine = open(1, o -> o.files(slow))) {
            hold[0] = true;
            Thread watcher =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        state[0] = stateInPipeline();
                                        go.countDown();
                                    });
            engine.trainStep();
            watcher.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            go.countDown();
        }
        return state[0];
    }

    private static Object stateInPipeline() {
        long since = System.nanoTime();
        while (System.nanoTime() - since < LIMIT_NANOS) {
            for (var entry : Thread.getAllStackTraces().entrySet()) {
                boolean waits =
                        entry.getKey().getName().equals("ds-r0")
                                && List.of(entry.getValue()).stream()
                                        .anyMatch(
                                                frame ->
                                                        frame.getClassName()
                                                                        .equals(
                                                                                "ds.offload.Pipeline")
                                                                && frame.getMethodName()
                                                                        .equals("awaitWritten"));
                if (waits) {
                    boolean parked =
                            List.of(entry.getValue()).stream()
                                    .anyMatch(frame -> frame.getMethodName().equals("park"));
                    return parked ? "parked" : "running";
                }
            }
            Thread.onSpinWait();
        }
        throw new IllegalStateException("no rank waited for a write");
    }

    /** The system's own files, whose writes wait while {@code hold} says so. */
    private record SlowWrites(CountDownLatch go, boolean[] hold) implements FileOperations {
        @Override
        public int read(FileChannel channel, Path file, ByteBuffer into, long position)
                throws IOException {
            return FileOperations.system().read(channel, file, into, position);
        }

        @Override
        public int write(FileChannel channel, Path file, ByteBuffer from, long position)
                throws IOException {
            if (hold[0] && file.toString().endsWith(".bin")) {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
            return FileOperations.system().write(channel, file, from, position);
        }

        @Override
        public void force(FileChannel channel, Path file, boolean metaData) throws IOException {
            FileOperations.system().force(channel, file, metaData);
        }

        @Override
        public void rename(Path from, Path to) throws IOException {
            FileOperations.system().rename(from, to);
        }

        @Override
        public void syncDirectory(Path directory) throws IOException {
            FileOperations.system().syncDirectory(directory);
        }

        @Override
        public long usableBytes(Path directory) throws IOException {
            return FileOperations.system().usableBytes(directory);
        }
    }
}
