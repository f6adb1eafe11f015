package ds.testkit;

import ds.offload.FileOperations;
import ds.offload.spi.TransferQueue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * File operations that fail as devices and file systems do: short, late, never, wrongly. Faults are
 * armed at the n-th call of a kind counted from now, so that a test says exactly which one. Safe for
 * use by many threads.
 */
public final class FaultyFiles implements FileOperations {
    /** The calls at which faults can be armed. */
    public enum Call {
        /** A read. */
        READ,
        /** A write. */
        WRITE,
        /** A sync of a file. */
        FORCE,
        /** A rename. */
        RENAME,
        /** A sync of a directory. */
        SYNC_DIRECTORY
    }

    /** What a fault does. */
    enum Kind {
        NONE,
        ERROR,
        STUCK,
        TORN,
        FLIPPED
    }

    /** A fault at one call; {@code amount} is the bytes of a torn write, or the bit that is flipped. */
    record Fault(Call call, long at, Kind kind, long amount) {}

    static final String BROKEN = "Input/output error";
    private static final String NO_SPACE = "No space left on device";

    private final FileOperations files;
    private final Map<Call, Long> calls = new EnumMap<>(Call.class);
    private final List<Fault> faults = new ArrayList<>();
    private final CountDownLatch released = new CountDownLatch(1);
    private int shortReadBytes = Integer.MAX_VALUE;
    private int shortWriteBytes = Integer.MAX_VALUE;
    private long spaceBytes = Long.MAX_VALUE;
    private OptionalLong usableBytes = OptionalLong.empty();
    private Duration delay = Duration.ZERO;

    private FaultyFiles(FileOperations files) {
        this.files = files;
    }

    /** Returns operations without faults yet, that do what {@code files} do. */
    public static FaultyFiles around(FileOperations files) {
        return new FaultyFiles(files);
    }

    /** Lets no read deliver more than {@code maxBytes}. */
    public synchronized FaultyFiles shortReads(int maxBytes) {
        shortReadBytes = maxBytes;
        return this;
    }

    /** Lets no write take more than {@code maxBytes}. */
    public synchronized FaultyFiles shortWrites(int maxBytes) {
        shortWriteBytes = maxBytes;
        return this;
    }

    /** Fails the {@code nth} call from now, 1 being the next, with an input/output error. */
    public FaultyFiles failing(Call call, long nth) {
        return arm(call, nth, Kind.ERROR, 0);
    }

    /** Never answers the {@code nth} call from now until {@link #release} or an interrupt. */
    public FaultyFiles stuck(Call call, long nth) {
        return arm(call, nth, Kind.STUCK, 0);
    }

    /** Stores only the first {@code bytes} of the {@code nth} write from now, and reports success. */
    public FaultyFiles tornWrite(long nth, int bytes) {
        return arm(Call.WRITE, nth, Kind.TORN, bytes);
    }

    /** Flips one bit of what the {@code nth} call from now, a read or a write, transfers. */
    public FaultyFiles flippedBit(Call call, long nth, long bit) {
        return arm(call, nth, Kind.FLIPPED, bit);
    }

    /** Lets {@code bytes} more be written; the write that exceeds them is short, the next one fails. */
    public synchronized FaultyFiles spaceFor(long bytes) {
        spaceBytes = bytes;
        return this;
    }

    /** Reports {@code bytes} of usable space. */
    public synchronized FaultyFiles usable(long bytes) {
        usableBytes = OptionalLong.of(bytes);
        return this;
    }

    /** Delays every read and write. */
    public synchronized FaultyFiles delayed(Duration each) {
        delay = each;
        return this;
    }

    /** Lets stuck calls go on. */
    public void release() {
        released.countDown();
    }

    /** Returns how many calls of a kind were made so far. */
    public synchronized long calls(Call call) {
        return calls.getOrDefault(call, 0L);
    }

    private synchronized FaultyFiles arm(Call call, long nth, Kind kind, long amount) {
        faults.add(new Fault(call, calls.getOrDefault(call, 0L) + nth, kind, amount));
        return this;
    }

    /** Counts a call, takes its fault if there is one, and serves those that end or hold it. */
    private Fault next(Call call) throws IOException {
        Fault fault = count(call);
        switch (fault.kind()) {
            case ERROR -> throw new IOException(BROKEN);
            case STUCK -> pause(Duration.ofDays(1));
            case NONE, TORN, FLIPPED -> {}
        }
        return fault;
    }

    /** Counts a call and takes its fault, which is of the kind NONE if there is none. */
    synchronized Fault count(Call call) {
        long now = calls.merge(call, 1L, Long::sum);
        for (Iterator<Fault> each = faults.iterator(); each.hasNext(); ) {
            Fault fault = each.next();
            if (fault.call() == call && fault.at() == now) {
                each.remove();
                return fault;
            }
        }
        return new Fault(call, now, Kind.NONE, 0);
    }

    private void pause(Duration duration) throws IOException {
        try {
            released.await(duration.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted in a stuck call", e);
        }
    }

    private void delay() throws IOException {
        Duration each = delayed();
        if (!each.isZero()) {
            pause(each);
        }
    }

    /** Returns the delay of every transfer. */
    synchronized Duration delayed() {
        return delay;
    }

    /** Returns whether stuck calls may go on. */
    boolean released() {
        return released.getCount() == 0;
    }

    /** {@inheritDoc} The same faults happen to its requests as to reads and writes of channels. */
    @Override
    public TransferQueue queue(Path file, TransferQueue queue) {
        return new FaultyQueue(this, files.queue(file, queue));
    }

    @Override
    public int read(FileChannel channel, Path file, ByteBuffer into, long position)
            throws IOException {
        Fault fault = next(Call.READ);
        delay();
        int start = into.position();
        int limit = into.limit();
        into.limit(start + Math.min(into.remaining(), shortReadBytes()));
        int moved;
        try {
            moved = files.read(channel, file, into, position);
        } finally {
            into.limit(limit);
        }
        if (fault.kind() == Kind.FLIPPED && moved > 0) {
            flip(into, start, moved, fault.amount());
        }
        return moved;
    }

    private static void flip(ByteBuffer bytes, int start, int size, long bit) {
        int at = start + (int) (bit / 8 % size);
        bytes.put(at, (byte) (bytes.get(at) ^ (1 << (bit % 8))));
    }

    @Override
    public int write(FileChannel channel, Path file, ByteBuffer from, long position)
            throws IOException {
        Fault fault = next(Call.WRITE);
        delay();
        int size = admitted(Math.min(from.remaining(), shortWriteBytes()));
        return switch (fault.kind()) {
            case TORN -> {
                part(channel, file, from, position, (int) Math.min(size, fault.amount()));
                from.position(from.position() + size);
                yield size;
            }
            case FLIPPED -> {
                ByteBuffer wrong = ByteBuffer.allocate(size);
                wrong.put(0, from, from.position(), size);
                flip(wrong, 0, size, fault.amount());
                part(channel, file, wrong, position, size);
                from.position(from.position() + size);
                yield size;
            }
            case NONE, ERROR, STUCK -> {
                int moved = part(channel, file, from, position, size);
                from.position(from.position() + moved);
                yield moved;
            }
        };
    }

    /** Writes {@code size} bytes and leaves the position where it was. */
    private int part(FileChannel channel, Path file, ByteBuffer from, long position, int size)
            throws IOException {
        return files.write(channel, file, from.slice(from.position(), size), position);
    }

    /** Returns how many of {@code wanted} bytes there is space for. */
    synchronized int admitted(int wanted) throws IOException {
        if (spaceBytes == 0) {
            throw new IOException(NO_SPACE);
        }
        int size = (int) Math.min(wanted, spaceBytes);
        if (spaceBytes != Long.MAX_VALUE) {
            spaceBytes -= size;
        }
        return size;
    }

    synchronized int shortReadBytes() {
        return shortReadBytes;
    }

    synchronized int shortWriteBytes() {
        return shortWriteBytes;
    }

    @Override
    public void force(FileChannel channel, Path file, boolean metaData) throws IOException {
        next(Call.FORCE);
        files.force(channel, file, metaData);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        next(Call.RENAME);
        files.rename(from, to);
    }

    @Override
    public void syncDirectory(Path directory) throws IOException {
        next(Call.SYNC_DIRECTORY);
        files.syncDirectory(directory);
    }

    @Override
    public long usableBytes(Path directory) throws IOException {
        OptionalLong told;
        synchronized (this) {
            told = usableBytes;
        }
        return told.isPresent() ? told.getAsLong() : files.usableBytes(directory);
    }
}
