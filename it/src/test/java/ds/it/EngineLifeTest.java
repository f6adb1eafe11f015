package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Device;
import ds.core.Pending;
import ds.engine.Engine;
import ds.engine.TrainingException;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.ForwardContext;
import ds.model.ModelLayout;
import ds.model.TrainableModel;
import ds.offload.StoreLife;
import ds.offload.Stores;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An engine ends, whatever happened, and leaves nothing that nobody can go on from. */
class EngineLifeTest {
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

    private String offload() {
        return AwkwardEngine.OFFLOAD.formatted(
                directory.resolve("nvme"), directory.resolve("nvme"));
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
                AwkwardEngine.of(
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
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), STAGE_3, o -> o.ranks(2))) {
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
                    AwkwardEngine.of(
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
        Engine engine = AwkwardEngine.of(new AwkwardModel(), offload(), o -> o.ranks(2));
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
        try (Engine engine = AwkwardEngine.of(model, offload(), o -> o.ranks(2))) {
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
                                AwkwardEngine.of(
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
        Engine engine =
                AwkwardEngine.of(model, "", o -> o.ranks(2).peerLimit(Duration.ofMillis(300)));
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
}
