package ds.benchmarks;

import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.Pending;
import ds.core.RankMemory;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageProviders;
import ds.offload.StorageSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A storage backend beside the same requests on a plain {@link FileChannel} by the calling thread,
 * which goes through the page cache as {@code channel}, {@code mapped} and {@code chronicle} do;
 * {@code durable} ends each pass with a sync.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 1, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 1)
public class StorageBenchmark {
    /** What {@link OpenFile#backend} may be. */
    static final List<String> BACKENDS =
            List.of("channel", "mapped", "libaio", "io_uring", "chronicle");

    private static final int REQUEST_BYTES = 1 << 20;
    private static final int DEPTH = 32;
    private static final Duration STUCK_AFTER = Duration.ofMinutes(1);

    /** Created by JMH. */
    public StorageBenchmark() {}

    /** One file, opened twice: by the backend and as a plain channel. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public abstract static class OpenFile {
        /** The backend's name. */
        @Param({"channel", "mapped", "libaio", "io_uring", "chronicle"})
        public String backend = "channel";

        /** Requests of 1 MiB in one pass over the file. */
        @Param("64")
        public int requests;

        private final Queue<Pending> inFlight = new ArrayDeque<>();
        private final List<MemorySegment> buffers = new ArrayList<>();
        private Ceiling ceiling;
        private Place place;
        private RankMemory memory;
        private StorageBackend storage;
        private FileChannel plain;

        final void open(Ceiling times, Runnable work, Runnable rival) {
            ceiling = times;
            place = Place.create();
            Path file = place.directory().resolve("file");
            memory = new RankMemory(HostMemories.best(ModuleLayer.boot()));
            // In one piece, as the slots of a store are large: that gets huge pages where there are
            // any.
            MemorySegment all =
                    memory.allocateBytes(MemoryKind.STAGING, (long) DEPTH * REQUEST_BYTES);
            for (int i = 0; i < DEPTH; i++) {
                MemorySegment buffer = all.asSlice((long) i * REQUEST_BYTES, REQUEST_BYTES);
                buffer.fill((byte) (i + 1));
                buffers.add(buffer);
            }
            try {
                plain =
                        FileChannel.open(
                                file,
                                StandardOpenOption.CREATE_NEW,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            plainPass(true);
            plainSync();
            storage =
                    StorageProviders.table(ModuleLayer.boot())
                            .require(backend)
                            .open(
                                    file,
                                    new StorageSettings(
                                            DEPTH,
                                            STUCK_AFTER,
                                            AioSettings.DEFAULT.withQueueDepth(DEPTH)),
                                    FileOperations.system());
            storage.register(List.of(all));
            double bytes = (double) requests * REQUEST_BYTES;
            ceiling.measures(bytes);
            ceiling.add(bytes, rival);
            ceiling.warmUp(work);
        }

        /** Keeps as many requests in flight as the backend takes. */
        final long pass(boolean write) {
            long moved = 0;
            for (int i = 0; i < requests; i++) {
                if (inFlight.size() == DEPTH) {
                    moved += inFlight.remove().await();
                }
                MemorySegment buffer = buffers.get(i % DEPTH);
                long offset = (long) i * REQUEST_BYTES;
                inFlight.add(write ? storage.write(offset, buffer) : storage.read(offset, buffer));
            }
            while (!inFlight.isEmpty()) {
                moved += inFlight.remove().await();
            }
            return moved;
        }

        final void plainPass(boolean write) {
            try {
                for (int i = 0; i < requests; i++) {
                    ByteBuffer bytes = buffers.get(i % DEPTH).asByteBuffer();
                    long offset = (long) i * REQUEST_BYTES;
                    while (bytes.hasRemaining()) {
                        long at = offset + bytes.position();
                        int moved = write ? plain.write(bytes, at) : plain.read(bytes, at);
                        if (moved <= 0) {
                            throw new IOException("no progress at offset " + at);
                        }
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        final void plainSync() {
            try {
                plain.force(false);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        final void sync() {
            storage.sync();
        }

        /** Gives the ceiling its turn. */
        @Setup(Level.Invocation)
        public void rival() {
            ceiling.next();
        }

        /** Closes and deletes the file. */
        @TearDown(Level.Trial)
        public void close() {
            storage.close();
            try {
                plain.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            memory.close();
            place.close();
        }
    }

    /** A file that is read. */
    @State(Scope.Thread)
    public static class Source extends OpenFile {
        /** Created by JMH. */
        public Source() {}

        /** Creates and fills the file. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            open(times, () -> pass(false), () -> plainPass(false));
        }
    }

    /** A file that is written. */
    @State(Scope.Thread)
    public static class Target extends OpenFile {
        /** Created by JMH. */
        public Target() {}

        /** Creates and fills the file. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            open(times, () -> pass(true), () -> plainPass(true));
        }
    }

    /** A file that is written and synced. */
    @State(Scope.Thread)
    public static class DurableTarget extends OpenFile {
        private long durablePass() {
            long moved = pass(true);
            sync();
            return moved;
        }

        /** Created by JMH. */
        public DurableTarget() {}

        /** Creates and fills the file. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            open(
                    times,
                    this::durablePass,
                    () -> {
                        plainPass(true);
                        plainSync();
                    });
        }
    }

    /** Reads the file once. */
    @Benchmark
    public long read(Source file) {
        return file.pass(false);
    }

    /** Writes the file once; through the page cache, into it. */
    @Benchmark
    public long write(Target file) {
        return file.pass(true);
    }

    /** Writes the file once and waits until it is on the drive. */
    @Benchmark
    public long writeDurable(DurableTarget file) {
        return file.durablePass();
    }
}
