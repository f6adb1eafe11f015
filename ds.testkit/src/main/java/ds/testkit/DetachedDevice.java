package ds.testkit;

import ds.core.Device;
import ds.core.Pending;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/**
 * A device that behaves like an accelerator and is a thread: its memory is its own, poisoned until
 * something is copied in, and only its engine touches it, in order, later, after random delays. Code
 * that quietly assumes host memory, reads before it waits, or reuses a buffer too early computes
 * other bits on it. Awaiting an operation twice is an error.
 */
public final class DetachedDevice implements Device {
    private static final byte POISON = (byte) 0xA5;
    private static final int QUEUE = 1_024;
    private static final int DELAY_NANOS_MAX = 200_000;
    private static final int ALIGNMENT_BYTES = 64;

    private record Memory(DetachedDevice device, MemorySegment segment) implements Buffer {
        @Override
        public long sizeBytes() {
            return segment.byteSize();
        }
    }

    private final Arena arena = Arena.ofShared();
    private final BlockingQueue<Operation> queue = new ArrayBlockingQueue<>(QUEUE);
    private final RandomGenerator random;
    private final Thread engine;

    /** Creates a device with delays from {@code seed}, which is logged. */
    public DetachedDevice(long seed) {
        this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        System.getLogger(DetachedDevice.class.getName())
                .log(System.Logger.Level.INFO, "detached device, seed {0}", Long.toString(seed));
        this.engine = Thread.ofPlatform().daemon(true).name("ds-detached").start(this::serve);
    }

    @Override
    public String name() {
        return "detached";
    }

    @Override
    public boolean addressable() {
        return false;
    }

    @Override
    public Buffer allocate(long sizeBytes) {
        MemorySegment segment = arena.allocate(sizeBytes, ALIGNMENT_BYTES);
        segment.fill(POISON);
        return new Memory(this, segment);
    }

    @Override
    public Pending copyIn(MemorySegment host, Buffer device) {
        MemorySegment memory = own(device, host.byteSize());
        return submit(
                host.byteSize(),
                () -> {
                    memory.fill(POISON);
                    MemorySegment.copy(host, 0, memory, 0, host.byteSize());
                });
    }

    @Override
    public Pending copyOut(Buffer device, MemorySegment host) {
        MemorySegment memory = own(device, host.byteSize());
        return submit(
                host.byteSize(),
                () -> {
                    host.fill(POISON);
                    delay();
                    MemorySegment.copy(memory, 0, host, 0, host.byteSize());
                });
    }

    @Override
    public Pending launch(Kernel kernel, List<Buffer> arguments) {
        List<MemorySegment> memory = arguments.stream().map(each -> own(each, 0)).toList();
        return submit(0, () -> kernel.run(memory));
    }

    private MemorySegment own(Buffer buffer, long neededBytes) {
        if (!(buffer instanceof Memory memory) || memory.device() != this) {
            throw new IllegalArgumentException("The buffer belongs to another device.");
        }
        if (memory.sizeBytes() < neededBytes) {
            throw new IllegalArgumentException(
                    "A copy of %,d bytes does not fit a buffer of %,d."
                            .formatted(neededBytes, memory.sizeBytes()));
        }
        return memory.segment();
    }

    private Pending submit(long bytes, Runnable work) {
        Operation operation = new Operation(bytes, work);
        if (!queue.offer(operation)) {
            throw new IllegalStateException(
                    "More than %,d operations are under way on the detached device."
                            .formatted(QUEUE));
        }
        return operation;
    }

    private void serve() {
        try {
            while (true) {
                Operation operation = queue.take();
                delay();
                operation.perform();
            }
        } catch (InterruptedException e) {
            queue.clear(); // closed, after it was drained
        }
    }

    private void delay() {
        LockSupport.parkNanos(random.nextInt(DELAY_NANOS_MAX));
    }

    /** Waits for what is enqueued, then frees all buffers. */
    @Override
    public void close() {
        if (!engine.isAlive()) {
            return;
        }
        submit(0, () -> {}).await();
        engine.interrupt();
        try {
            engine.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return; // the engine may still run: its memory is not freed under it
        }
        arena.close();
    }

    private static final class Operation implements Pending {
        private final long bytes;
        private final Runnable work;
        private boolean done;
        private boolean awaited;

        /** Null unless the work threw. */
        private @Nullable Throwable failure;

        Operation(long bytes, Runnable work) {
            this.bytes = bytes;
            this.work = work;
        }

        void perform() {
            Throwable thrown = new IllegalStateException("The engine of the device died.");
            try {
                work.run();
                thrown = null;
            } catch (RuntimeException | Error e) {
                thrown = e; // whatever a kernel throws is its caller's, and the engine goes on
            } finally {
                finish(thrown);
            }
        }

        private synchronized void finish(@Nullable Throwable thrown) {
            done = true;
            failure = thrown;
            notifyAll();
        }

        @Override
        public synchronized long await() {
            if (awaited) {
                throw new IllegalStateException("An operation is awaited exactly once.");
            }
            awaited = true;
            boolean interrupted = false;
            while (!done) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            switch (failure) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new AssertionError(e);
            }
            return bytes;
        }
    }
}
