package ds.offload;

import com.lmax.disruptor.AlertException;
import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.Sequence;
import com.lmax.disruptor.SequenceBarrier;
import com.lmax.disruptor.TimeoutException;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;
import ds.core.DsException;
import ds.core.Pending;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Moves the chunks of a store through staging slots: read ahead, stepped, written behind, unless the
 * settings say that each is waited for. One ring; its stages are sequences, its lanes are threads: the I/O lane (this class's own thread) submits
 * and reaps, the step lane (the rank's thread) takes and returns slots.
 *
 * <p>Sequences run on from step to step. <em>Fetched</em> is the ring's cursor; <em>stepped</em> is
 * advanced by the step lane; <em>written</em> gates the ring, so that a slot is reused only when
 * its bytes are with the operating system. The step lane waits for fetched through the ring's wait
 * strategy; the ways back are a sequence and an unpark, since {@link BlockingWaitStrategy} spins on
 * anything but the cursor. Everything is allocated in the constructor; the thread lives as long as
 * the store and is parked between steps.
 */
final class Pipeline implements AutoCloseable {
    private static final long CLOSE_MILLIS = 5_000;

    private final List<ArrayFile> files;
    private final List<ChunkPlan.Chunk> chunks;
    private final List<Staging> stagings;
    private final int slots;
    private final boolean yield;
    private final boolean ahead;
    private final boolean behind;
    private final RingBuffer<Slot> ring;
    private final SequenceBarrier fetched;
    private final Sequence stepped = new Sequence(-1);
    private final Sequence written = new Sequence(-1);
    private final Queue<Slot> underWay = new ArrayDeque<>();
    private final Thread lane;
    private volatile long target = -1;

    /** The last chunk that the step lane asked for; all that may be read where none is read ahead. */
    private volatile long asked = -1;

    private volatile boolean closed;

    /** Null until the I/O lane failed; it ends then. */
    private volatile @Nullable StorageException failure;

    /** The rank's thread while it waits for the last writes of a step, to be unparked; else null. */
    private volatile @Nullable Thread waiting;

    private long submittedReads = -1;
    private long submittedWrites = -1;
    private long stallNanos;

    /** Written by the I/O lane before it says what it has done. */
    private long busyNanos;

    private long busySince;

    /** An entry of the ring: one chunk on its way. */
    static final class Slot {
        private final Pending[] transfers;
        private long sequence;
        private boolean writing;

        /** Set before the slot is first used. */
        private @Nullable Staging staging;

        Slot(int arrays) {
            this.transfers = new Pending[arrays];
        }

        /** Returns the slot's memory. */
        Staging staging() {
            if (staging == null) {
                throw new IllegalStateException("The slot was never filled.");
            }
            return staging;
        }
    }

    Pipeline(
            String name,
            List<ArrayFile> files,
            List<ChunkPlan.Chunk> chunks,
            List<Staging> stagings,
            PipelineSettings settings) {
        this.files = files;
        this.chunks = chunks;
        this.stagings = stagings;
        this.slots = stagings.size();
        this.yield = settings.waiting() == PipelineSettings.Wait.YIELD;
        this.ahead = settings.slots().readAhead();
        this.behind = settings.slots().writeBehind();
        WaitStrategy strategy = yield ? new YieldingWaitStrategy() : new BlockingWaitStrategy();
        int size = slots == 1 ? 1 : Integer.highestOneBit(slots - 1) << 1;
        this.ring = RingBuffer.createSingleProducer(() -> new Slot(files.size()), size, strategy);
        ring.addGatingSequences(written);
        this.fetched = ring.newBarrier();
        this.lane = Thread.ofPlatform().daemon(true).name(name).start(this::run);
    }

    // The step lane.

    /** Lets the I/O lane fetch every chunk once more; returns the sequence of the first. */
    long begin() {
        long first = target + 1;
        target += chunks.size();
        LockSupport.unpark(lane);
        return first;
    }

    /** Waits until the chunk of {@code sequence} is read, and lends its slot until it is returned. */
    Slot take(long sequence) {
        if (ring.getCursor() < sequence) {
            ask(sequence);
            long since = System.nanoTime();
            try {
                fetched.waitFor(sequence);
            } catch (AlertException e) {
                throw failed();
            } catch (TimeoutException e) {
                throw new AssertionError("this wait strategy has no time limit", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StorageException(
                        "The rank's thread was interrupted while it waited for chunk %d."
                                .formatted(sequence),
                        e);
            } finally {
                stallNanos += System.nanoTime() - since;
            }
        }
        return ring.get(sequence);
    }

    private void ask(long sequence) {
        if (!ahead && asked < sequence) {
            asked = sequence;
            LockSupport.unpark(lane);
        }
    }

    /**
     * Returns the slot of {@code sequence}, which is stepped and sealed, to be written: later, or
     * now where nothing is written behind.
     */
    void giveBack(long sequence) {
        stepped.set(sequence);
        LockSupport.unpark(lane);
        if (!behind) {
            awaitWritten(sequence);
        }
    }

    /** Waits until everything up to {@code sequence} is written. */
    void awaitWritten(long sequence) {
        long since = System.nanoTime();
        waiting = Thread.currentThread();
        try {
            while (written.get() < sequence) {
                if (failure != null) {
                    throw failed();
                }
                if (Thread.currentThread().isInterrupted()) {
                    throw new StorageException(
                            "The rank's thread was interrupted while chunk %d was written."
                                    .formatted(sequence));
                }
                if (yield) {
                    Thread.yield();
                } else {
                    LockSupport.park(this);
                }
            }
        } finally {
            waiting = null;
            stallNanos += System.nanoTime() - since;
        }
    }

    private StorageException failed() {
        StorageException cause = failure;
        return cause == null
                ? new StorageException("The offload store was closed while a step waited for it.")
                : new StorageException(String.valueOf(cause.getMessage()), cause);
    }

    /** Returns nanoseconds that the step lane waited so far. */
    long stallNanos() {
        return stallNanos;
    }

    /** Returns nanoseconds during which transfers were under way; between steps. */
    long busyNanos() {
        return busyNanos;
    }

    // The I/O lane.

    private void run() {
        try {
            while (!closed) {
                if (!(writeReturned() | readOn() | reap())) {
                    rest();
                }
            }
        } catch (StorageException e) {
            failure = e;
        } finally {
            if (failure == null && !closed) {
                failure = new StorageException("The I/O lane ended by an error; see its trace.");
            }
            fetched.alert();
            LockSupport.unpark(waiting);
            drain();
        }
    }

    /** Submits the slots that the step lane returned. */
    private boolean writeReturned() {
        long last = stepped.get();
        boolean any = submittedWrites < last;
        while (submittedWrites < last) {
            submit(ring.get(++submittedWrites), true);
        }
        return any;
    }

    /** Submits reads into free slots, as far as the step allows. */
    private boolean readOn() {
        boolean any = false;
        long last = ahead ? target : asked;
        while (submittedReads < last && submittedReads - written.get() < slots) {
            Slot slot = ring.get(++submittedReads);
            slot.sequence = submittedReads;
            slot.staging = stagings.get((int) (submittedReads % slots));
            submit(slot, false);
            any = true;
        }
        return any;
    }

    private void submit(Slot slot, boolean write) {
        slot.writing = write;
        ChunkPlan.Chunk chunk = chunk(slot.sequence);
        for (int i = 0; i < files.size(); i++) {
            slot.transfers[i] = Pending.DONE; // so that a failure in the middle can be drained
        }
        if (underWay.isEmpty()) {
            busySince = System.nanoTime();
        }
        underWay.add(slot);
        for (int i = 0; i < files.size(); i++) {
            var area = slot.staging().areas().get(i);
            slot.transfers[i] =
                    write ? files.get(i).write(chunk, area) : files.get(i).read(chunk, area);
        }
    }

    /** Returns what to wait for next; null for nothing. */
    private @Nullable Slot next() {
        if (ahead || !behind) {
            return underWay.peek();
        }
        for (Slot slot : underWay) {
            if (!slot.writing) {
                return slot; // the step waits for it
            }
        }
        boolean needed = asked > submittedReads || submittedReads == target;
        return needed ? underWay.peek() : null; // else the lane has to be there for the next read
    }

    /** Waits for a chunk under way and passes it on: the oldest, or the one that is needed. */
    private boolean reap() {
        Slot found = next();
        if (found == null) {
            return false;
        }
        for (int i = 0; i < found.transfers.length; i++) {
            Pending transfer = found.transfers[i];
            found.transfers[i] = Pending.DONE;
            transfer.await();
        }
        underWay.remove(found);
        if (underWay.isEmpty()) {
            busyNanos += System.nanoTime() - busySince;
        }
        if (found.writing) {
            written.set(found.sequence);
            LockSupport.unpark(waiting);
        } else {
            // Claimed only now: claiming a second time publishes what was claimed before.
            long claimed = ring.next();
            assert claimed == found.sequence : claimed;
            ring.publish(claimed);
        }
        return true;
    }

    private void rest() {
        if (yield && written.get() < target) {
            Thread.yield();
        } else {
            LockSupport.park(this);
        }
    }

    /** Waits for what is still under way, since it touches the slots' memory. */
    private void drain() {
        for (Slot slot : underWay) {
            for (Pending transfer : slot.transfers) {
                try {
                    transfer.await();
                } catch (DsException e) {
                    // The first failure is the one to report.
                }
            }
        }
        underWay.clear();
    }

    /** Returns the chunk that {@code sequence} stands for. */
    ChunkPlan.Chunk chunk(long sequence) {
        return chunks.get((int) (sequence % chunks.size()));
    }

    /** Ends the I/O lane after what is under way; what was stepped and not written is dropped. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(lane);
        boolean interrupted = false;
        try {
            lane.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
