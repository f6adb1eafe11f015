package ds.testkit;

import ds.core.Pending;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageProviders;
import ds.offload.StorageSettings;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The portable backend, every transfer of which is noted when it is begun and when its end was waited
 * for, in one order with what the step does. Whoever waits for an event stops what it holds up.
 */
final class TracedStorage implements StorageProvider {
    private static final long LIMIT_MILLIS = 20_000;

    private final StorageProvider real = StorageProviders.portable();
    private final List<String> events = new ArrayList<>();
    private final List<Hold> holds = new ArrayList<>();
    private final boolean reserves;
    private boolean tracing;

    /** The end of a transfer that comes only after another event. */
    private record Hold(String event, String until) {}

    /** Creates one that can reserve space, or not. */
    TracedStorage(boolean reserves) {
        this.reserves = reserves;
    }

    /** Notes events from now on. */
    synchronized void trace() {
        tracing = true;
    }

    /** Holds up an event until another was noted. */
    synchronized void hold(String event, String until) {
        holds.add(new Hold(event, until));
    }

    /** Notes what happens now, after what it is held up for. */
    synchronized void note(String event) {
        if (!tracing) {
            return;
        }
        for (Hold hold : holds) {
            if (hold.event().equals(event)) {
                await(hold);
            }
        }
        events.add(event);
        notifyAll();
    }

    private synchronized void await(Hold hold) {
        long end = System.currentTimeMillis() + LIMIT_MILLIS;
        try {
            while (!events.contains(hold.until())) {
                long left = end - System.currentTimeMillis();
                if (left <= 0) {
                    throw new IllegalStateException(
                            "'%s' did not come while '%s' waited for it: %s"
                                    .formatted(hold.until(), hold.event(), events));
                }
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    synchronized List<String> events() {
        return List.copyOf(events);
    }

    @Override
    public String name() {
        return "traced";
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public int priority() {
        return 0;
    }

    /** A sparse file: enough for a test that never fills the drive. */
    @Override
    public Optional<String> reserve(Path file, long sizeBytes) {
        if (!reserves) {
            return Optional.of("this one does not");
        }
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
            opened.setLength(sizeBytes);
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public StorageBackend open(Path file, StorageSettings settings, FileOperations files) {
        return new Traced(real.open(file, settings, files));
    }

    private final class Traced implements StorageBackend {
        private final StorageBackend backend;

        Traced(StorageBackend backend) {
            this.backend = backend;
        }

        private Pending noted(String what, long offsetBytes, Pending transfer) {
            note(what + " " + offsetBytes);
            return () -> {
                long moved = transfer.await();
                note(what + " " + offsetBytes + " ended");
                return moved;
            };
        }

        @Override
        public Pending read(long offsetBytes, MemorySegment into) {
            return noted("read", offsetBytes, backend.read(offsetBytes, into));
        }

        @Override
        public Pending write(long offsetBytes, MemorySegment from) {
            return noted("write", offsetBytes, backend.write(offsetBytes, from));
        }

        @Override
        public void sync() {
            backend.sync();
        }

        @Override
        public String name() {
            return backend.name();
        }

        @Override
        public void close() {
            backend.close();
        }
    }
}
