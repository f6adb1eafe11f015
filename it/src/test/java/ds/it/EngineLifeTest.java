package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.core.Device;
import ds.core.Pending;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.EngineOptions;
import ds.engine.StepReport;
import ds.engine.TrainingException;
import ds.engine.data.TextDataset;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.ForwardContext;
import ds.model.ModelLayout;
import ds.model.TrainableModel;
import ds.model.builtin.Gpt;
import ds.offload.StoreLife;
import ds.offload.Stores;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an engine does around its steps: it ends, whatever happened, and never loses a gradient. */
class EngineLifeTest {
    static final String OFFLOAD =
            """
            , "zero_optimization": {"stage": 3,
               "offload_param": {"device": "nvme", "nvme_path": "%s", "max_in_cpu": 0},
               "offload_optimizer": {"device": "nvme", "nvme_path": "%s"}}""";

    private static final String STAGE_3 = ", \"zero_optimization\": {\"stage\": 3}";

    @TempDir private Path directory;

    /** Runs something before each forward pass, counted over all ranks from 1. */
    private record Watched(TrainableModel model, AtomicInteger passes, Before before)
            implements TrainableModel {
        interface Before {
            void forward(int pass) throws InterruptedException;
        }

        Watched(Before before) {
            this(new AwkwardModel(), new AtomicInteger(), before);
        }

        @Override
        public ModelLayout layout() {
            return model.layout();
        }

        @Override
        public Activations forward(Batch batch, ForwardContext context) {
            try {
                before.forward(passes.incrementAndGet());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return model.forward(batch, context);
        }

        @Override
        public void backward(Activations activations, float lossSeed, BackwardContext context) {
            model.backward(activations, lossSeed, context);
        }
    }

    static Engine engine(TrainableModel model, String more, Consumer<EngineOptions> options) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_micro_batch_size_per_gpu": 2, "gradient_accumulation_steps": 2,
                         "optimizer": {"type": "AdamW", "params": {"lr": 1e-3}}%s}
                        """
                                .formatted(more));
        return DeepSpeed.initialize(
                model,
                config,
                o -> {
                    o.trainingData(text()).workers(1);
                    options.accept(o);
                });
    }

    static TextDataset text() {
        byte[] bytes =
                "Ask not what a test can do for you. ".repeat(30).getBytes(StandardCharsets.UTF_8);
        return TextDataset.of("text", bytes, AwkwardModel.CONTEXT);
    }

    private String offload() {
        return OFFLOAD.formatted(directory.resolve("nvme"), directory.resolve("nvme"));
    }

    private static List<String> threads(String prefix) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith(prefix))
                .sorted()
                .toList();
    }

    private long filesLeft() throws IOException {
        Path nvme = directory.resolve("nvme");
        try (Stream<Path> files = Files.walk(nvme)) {
            return files.filter(file -> !file.equals(nvme)).count();
        }
    }

    /** What the first step committed is there, and nothing else. */
    private void assertOnlyTheStoreIsLeft() {
        List<Stores.RunStore> runs = Stores.list(directory.resolve("nvme"));
        assertEquals(1, runs.size(), runs::toString);
        for (Stores.RankStore rank : runs.getFirst().ranks()) {
            assertEquals(StoreLife.RESUMABLE, rank.life());
            assertEquals(1, rank.lastCommit().orElseThrow().run().globalStep());
        }
        try (Engine engine =
                engine(
                        new AwkwardModel(),
                        offload(),
                        o -> o.ranks(2).resumeStore(directory.resolve("nvme")))) {
            assertEquals(1, engine.step());
            assertEquals(2, engine.trainStep().step());
        }
        assertEquals(List.of(), Stores.list(directory.resolve("nvme")));
    }

    /** A commit is whole without the parameters, wherever these rest. */
    @Test
    void aStoreIsGoneOnFromWhateverStaysInMemory() {
        Path nvme = directory.resolve("nvme");
        List<String> expected = new ArrayList<>();
        try (Engine engine = engine(new AwkwardModel(), STAGE_3, o -> o.ranks(2))) {
            for (int step = 0; step < 5; step++) {
                expected.add(KilledRun.bits(engine.trainStep()));
            }
        }
        List<String> bits = new ArrayList<>();
        for (long maxInCpu : List.of(0L, 1_000_000_000L, 2_048L, 1_024L, 0L)) {
            var failing =
                    new Watched(
                            pass -> {
                                if (pass > 4) { // a step is two passes of each rank
                                    throw new IllegalStateException("This pass is cursed.");
                                }
                            });
            String place = offload().replace("\"max_in_cpu\": 0", "\"max_in_cpu\": " + maxInCpu);
            boolean first = bits.isEmpty();
            try (Engine engine =
                    engine(
                            failing,
                            place,
                            o -> {
                                o.ranks(2);
                                if (!first) {
                                    o.resumeStore(nvme);
                                }
                            })) {
                bits.add(KilledRun.bits(engine.trainStep()));
                assertThrows(IllegalStateException.class, engine::trainStep);
            }
        }
        assertEquals(expected, bits);
    }

    @Test
    void anInterruptedCallerStillClosesEverything() throws IOException {
        Engine engine = engine(new AwkwardModel(), offload(), o -> o.ranks(2));
        engine.trainStep();
        assertTrue(filesLeft() > 0);
        Thread.currentThread().interrupt();
        assertThrows(TrainingException.class, engine::trainStep);
        engine.close();
        assertTrue(Thread.interrupted(), "the interrupt is kept for the caller");
        assertEquals(List.of(), threads("ds-"));
        assertOnlyTheStoreIsLeft();
    }

    @Test
    void aModelThatThrowsLeavesNoThreadAndNoFileButItsStore() {
        var model =
                new Watched(
                        pass -> {
                            if (pass == 6) {
                                throw new IllegalStateException("This pass is cursed.");
                            }
                        });
        try (Engine engine = engine(model, offload(), o -> o.ranks(2))) {
            engine.trainStep();
            var failure = assertThrows(IllegalStateException.class, engine::trainStep);
            assertEquals("This pass is cursed.", failure.getMessage());
            var refused = assertThrows(IllegalStateException.class, engine::trainStep);
            assertTrue(
                    refused.getMessage().contains("close it and resume from its store, "),
                    refused::getMessage);
        }
        assertEquals(List.of(), threads("ds-"));
        assertOnlyTheStoreIsLeft();
    }

    @Test
    void aDeviceThatHasNoMemoryLeavesNoThreadAndNoFile() throws IOException {
        String more = offload();
        var failure =
                assertThrows(
                        IllegalStateException.class,
                        () ->
                                engine(
                                        new AwkwardModel(),
                                        more,
                                        o -> o.ranks(2).device(FullDevice::new)));
        assertEquals("The device is full.", failure.getMessage());
        assertEquals(List.of(), threads("ds-"));
        assertEquals(0, filesLeft());
    }

    /** A device that gives no memory. */
    private static final class FullDevice implements Device {
        @Override
        public String name() {
            return "full";
        }

        @Override
        public boolean addressable() {
            return false;
        }

        @Override
        public Buffer allocate(long sizeBytes) {
            throw new IllegalStateException("The device is full.");
        }

        @Override
        public Pending copyIn(MemorySegment host, Buffer device) {
            throw new AssertionError("nothing was allocated");
        }

        @Override
        public Pending copyOut(Buffer device, MemorySegment host) {
            throw new AssertionError("nothing was allocated");
        }

        @Override
        public Pending launch(Kernel kernel, List<Buffer> arguments) {
            throw new AssertionError("nothing was allocated");
        }

        @Override
        public void close() {}
    }

    @Test
    void aRankStuckInItsModelHoldsNeitherTheStepNorTheEnd() throws InterruptedException {
        CountDownLatch release = new CountDownLatch(1);
        var model =
                new Watched(
                        pass -> {
                            if (pass == 5) {
                                release.await();
                            }
                        });
        Engine engine = engine(model, "", o -> o.ranks(2).peerLimit(Duration.ofMillis(300)));
        engine.trainStep();
        var failure = assertThrows(TrainingException.class, engine::trainStep);
        assertTrue(
                failure.getMessage().contains("did not come back within PT0.3S"),
                failure::getMessage);
        var close = assertThrows(TrainingException.class, engine::close);
        assertTrue(close.getMessage().startsWith("Threads [ds-r"), close::getMessage);
        release.countDown();
        for (int i = 0; i < 1_000 && !threads("ds-r").isEmpty(); i++) {
            Thread.sleep(5);
        }
        assertEquals(List.of(), threads("ds-r"));
    }

    @Test
    void whatIsHalfAccumulatedIsNeitherSavedNorMixedIntoAnotherStep() {
        try (Engine engine = engine(new AwkwardModel(), "", _ -> {})) {
            engine.onEachRank(
                    rank -> {
                        rank.backward(rank.forward(batch()));
                        assertTrue(rank.step().isEmpty());
                    });
            String where = "comes between steps, but on rank 0 1 of 2 micro-batches are in";
            for (var call :
                    List.<Runnable>of(
                            () -> engine.saveCheckpoint(directory.resolve("run")),
                            () -> engine.resume(directory.resolve("run")),
                            engine::trainStep)) {
                var failure = assertThrows(IllegalStateException.class, call::run);
                assertTrue(failure.getMessage().contains(where), failure::getMessage);
            }
            assertFalse(Files.exists(directory.resolve("run")));
            List<StepReport> reports = new ArrayList<>();
            engine.onEachRank(
                    rank -> {
                        rank.backward(rank.forward(batch()));
                        var early =
                                assertThrows(
                                        IllegalStateException.class, () -> rank.forward(batch()));
                        assertEquals(
                                "All 2 micro-batches of the step are in on rank 0; call step() before the next forward.",
                                early.getMessage());
                        reports.add(rank.step().orElseThrow());
                    });
            assertEquals(1, reports.getFirst().step());
            engine.saveCheckpoint(directory.resolve("run"));
            assertEquals(2, engine.trainStep().step());
        }
    }

    @Test
    void threeCallsGiveTheBitsOfOneWithDropoutToo() {
        Gpt model =
                Gpt.of(
                        g ->
                                g.layers(1)
                                        .width(16)
                                        .heads(2)
                                        .context(AwkwardModel.CONTEXT)
                                        .dropout(0.3f));
        Batch whole = batch(8);
        List<Double> once = new ArrayList<>();
        List<Double> called = new ArrayList<>();
        try (Engine engine = engine(model, "", o -> o.ranks(2))) {
            for (int step = 0; step < 3; step++) {
                once.add(engine.trainStep(whole).loss());
            }
        }
        try (Engine engine = engine(model, "", o -> o.ranks(2))) {
            for (int step = 0; step < 3; step++) {
                engine.onEachRank(
                        rank -> {
                            for (int k = 0; k < 2; k++) {
                                // Numbered anew for every call, as a user's own loader does.
                                Batch micro = whole.slice(2 * (2 * k + rank.rank()), 2).at(0);
                                rank.backward(rank.forward(micro));
                                var report = rank.step();
                                if (rank.rank() == 0 && report.isPresent()) {
                                    called.add(report.get().loss());
                                }
                            }
                        });
            }
            assertEquals(once, called);
            var failure =
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> engine.onEachRank(rank -> rank.forward(batch(3))));
            assertTrue(
                    failure.getMessage()
                            .endsWith(
                                    "takes train_micro_batch_size_per_gpu = 2 samples, was given 3."),
                    failure::getMessage);
        }
    }

    static Batch batch() {
        return batch(2);
    }

    private static Batch batch(int samples) {
        Batch batch = text().allocate(Arena.ofAuto(), samples);
        for (int row = 0; row < samples; row++) {
            text().fill(row, batch, row);
        }
        return batch;
    }

    @Test
    void parametersThatDoNotFitReplaceNothing() {
        try (Engine engine = engine(new AwkwardModel(), "", o -> o.ranks(2))) {
            String before = engine.parameterHash();
            assertEquals(
                    "Parameter 'frozen.weight' [20, 20] was given no values.",
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () ->
                                            engine.loadParameters(
                                                    name ->
                                                            name.equals("frozen.weight")
                                                                    ? null
                                                                    : new float
                                                                            [engine.parameter(name)
                                                                                    .length]))
                            .getMessage());
            assertEquals(before, engine.parameterHash());
            assertEquals(1, engine.trainStep().step());
        }
    }

    @Test
    void fromLoadedParametersTheOptimizerBeginsAnewAndTheRunGoesOn() {
        String warmup =
                """
                , "scheduler": {"type": "WarmupLR",
                "params": {"warmup_min_lr": 1e-5, "warmup_max_lr": 1e-2, "warmup_num_steps": 5}}
                """;
        try (Engine fresh = engine(new AwkwardModel(), warmup, _ -> {});
                Engine used = engine(new AwkwardModel(), warmup, _ -> {})) {
            Map<String, float[]> start = new HashMap<>();
            new AwkwardModel()
                    .layout()
                    .storages()
                    .forEach(each -> start.put(each.name(), fresh.parameter(each.name())));
            for (int i = 0; i < 3; i++) {
                used.trainStep(batch(4));
            }
            used.loadParameters(start::get);
            for (int i = 1; i <= 2; i++) {
                var expected = fresh.trainStep(batch(4));
                var made = used.trainStep(batch(4));
                assertEquals(expected.lr(), made.lr());
                assertEquals(expected.loss(), made.loss());
                assertEquals(3 + i, made.step());
                assertEquals(4L * (3 + i), made.samplesSeen());
                assertEquals(fresh.parameterHash(), used.parameterHash());
            }
            used.onEachRank(rank -> rank.forward(batch(2)));
            assertTrue(
                    assertThrows(IllegalStateException.class, () -> used.loadParameters(start::get))
                            .getMessage()
                            .startsWith("Loading parameters comes between steps"));
        }
    }

    @Test
    void overflowsAtAFixedLossScaleAreSkippedUpToALimit() {
        String fp16 = ", \"fp16\": {\"enabled\": true, \"loss_scale\": 1e30}";
        try (Engine engine = engine(new AwkwardModel(), fp16, _ -> {})) {
            String before = engine.parameterHash();
            for (int i = 1; i < 20; i++) {
                assertTrue(engine.trainStep().skipped());
            }
            assertEquals(before, engine.parameterHash());
            var failure = assertThrows(TrainingException.class, engine::trainStep);
            assertTrue(
                    failure.getMessage()
                            .endsWith(
                                    "is not finite, 20 steps in a row. Lower the learning rate, look at the data, or set fp16.loss_scale to 0: dynamic."),
                    failure::getMessage);
        }
    }

    @Test
    void aTensorThatDoesNotExistIsRefusedAndNotZeros() {
        try (Engine engine = engine(new AwkwardModel(), "", _ -> {})) {
            engine.trainStep();
            assertTrue(engine.tensor("attend.qkv", "exp_avg")[0] != 0);
            assertEquals(
                    "Parameter 'attend.qkv' has no tensor 'exp_average'; it has [master, exp_avg, exp_avg_sq].",
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> engine.tensor("attend.qkv", "exp_average"))
                            .getMessage());
            assertThrows(
                    IllegalArgumentException.class,
                    () -> engine.tensor("frozen.weight", "exp_avg"));
            assertThrows(IndexOutOfBoundsException.class, () -> engine.usage(1));
            assertEquals(2, engine.trainStep().step(), "a caller's mistake stops nothing");
        }
    }

    @Test
    void aStepSaysHowManyOperationsItsModelAskedFor() {
        // Per token: qkv, out and frozen of the hidden layers, the head, attention.
        double perToken = 2 * (3 * 20 * 20 + 20 * 20 + 20 * 20 + 251 * 20 + 7 * 20);
        for (int ranks : new int[] {1, 2}) {
            try (Engine engine = engine(new AwkwardModel(), "", o -> o.ranks(ranks))) {
                double samples = 4 * ranks;
                assertEquals(3 * samples * 7 * perToken, engine.trainStep().modelOperations());
                assertTrue(engine.productRate() > 0);
                engine.productRate();
                long allocations = engine.allocationCount();
                assertEquals(2, engine.trainStep().step(), "measuring changes nothing");
                assertEquals(allocations, engine.allocationCount());
            }
        }
    }

    @Test
    void aHysteresisThatNeverEndsIsRefused() {
        var refused =
                assertThrows(
                        ConfigException.class,
                        () ->
                                engine(
                                        new AwkwardModel(),
                                        ", \"fp16\": {\"enabled\": true, \"hysteresis\": 0}",
                                        _ -> {}));
        assertTrue(
                refused.getMessage().contains("the loss scale would never shrink"),
                refused::getMessage);
    }
}
