package ds.testkit;

import ds.offload.spi.TransferQueue;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * The faults of {@link FaultyFiles} before a backend's own queue, which still moves the bytes: what
 * is short is asked short, what is torn or flipped is really written so, what fails never arrives.
 */
final class FaultyQueue implements TransferQueue {
    private static final long SLICE_NANOS = 2_000_000;
    private static final long SECTOR_BYTES = 512;

    private final FaultyFiles files;
    private final TransferQueue queue;
    private final Asked[] asked;
    private final List<Asked> stuck = new ArrayList<>();
    private final Queue<Answer> answers = new ArrayDeque<>();
    private final Arena arena = Arena.ofShared(); // threads of the queue read the wrong copies

    /** A request and what is to be made of it. */
    private record Asked(
            int tag, boolean write, long offset, MemorySegment bytes, FaultyFiles.Fault fault) {}

    /** A result that is due; with {@code why} a failure. */
    private record Answer(int tag, long moved, @Nullable String why, long dueNanos) {}

    FaultyQueue(FaultyFiles files, TransferQueue queue) {
        this.files = files;
        this.queue = queue;
        this.asked = new Asked[queue.capacity()];
    }

    @Override
    public int capacity() {
        return queue.capacity();
    }

    @Override
    public long requestBytes(long transferBytes) {
        return queue.requestBytes(transferBytes);
    }

    @Override
    public void offer(int tag, boolean write, long offsetBytes, MemorySegment bytes) {
        FaultyFiles.Fault fault =
                files.count(write ? FaultyFiles.Call.WRITE : FaultyFiles.Call.READ);
        Asked request = new Asked(tag, write, offsetBytes, bytes, fault);
        switch (fault.kind()) {
            case ERROR -> answer(tag, 0, FaultyFiles.BROKEN);
            case STUCK -> stuck.add(request);
            case NONE, TORN, FLIPPED -> pass(request);
        }
    }

    private void pass(Asked request) {
        MemorySegment bytes = request.bytes;
        long size = Math.min(bytes.byteSize(), limit(request.write));
        if (request.write) {
            try {
                size = files.admitted((int) size);
            } catch (IOException e) {
                answer(request.tag, 0, String.valueOf(e.getMessage()));
                return;
            }
        }
        MemorySegment part = bytes.asSlice(0, size);
        asked[request.tag] =
                new Asked(request.tag, request.write, request.offset, part, request.fault);
        FaultyFiles.Kind kind = request.write ? request.fault.kind() : FaultyFiles.Kind.NONE;
        MemorySegment stored =
                switch (kind) {
                    // A drive tears between sectors, and a direct transfer of less is refused.
                    case TORN ->
                            part.asSlice(
                                    0,
                                    Math.min(size, request.fault.amount())
                                            / SECTOR_BYTES
                                            * SECTOR_BYTES);
                    case FLIPPED -> flipped(part, request.fault.amount());
                    case NONE, ERROR, STUCK -> part;
                };
        if (stored.byteSize() == 0) {
            answer(request.tag, size, null);
        } else {
            queue.offer(request.tag, request.write, request.offset, stored);
        }
    }

    private int limit(boolean write) {
        return write ? files.shortWriteBytes() : files.shortReadBytes();
    }

    private MemorySegment flipped(MemorySegment bytes, long bit) {
        MemorySegment copy = arena.allocate(bytes.byteSize(), 4096).copyFrom(bytes);
        flip(copy, bit);
        return copy;
    }

    private static void flip(MemorySegment bytes, long bit) {
        long at = bit / 8 % bytes.byteSize();
        bytes.set(
                ValueLayout.JAVA_BYTE,
                at,
                (byte) (bytes.get(ValueLayout.JAVA_BYTE, at) ^ (1 << (bit % 8))));
    }

    private void answer(int tag, long moved, @Nullable String why) {
        answers.add(new Answer(tag, moved, why, System.nanoTime() + files.delayed().toNanos()));
    }

    @Override
    public void submit() {
        queue.submit();
    }

    @Override
    public void take(Results into, long timeoutNanos) {
        release();
        boolean given = give(into);
        boolean owes = !answers.isEmpty() || !stuck.isEmpty();
        long wait = given ? 0 : owes ? Math.min(timeoutNanos, SLICE_NANOS) : timeoutNanos;
        queue.take(new Changed(), wait);
        give(into);
    }

    /** Hands over what was stuck, once it may go on. */
    private void release() {
        if (files.released() && !stuck.isEmpty()) {
            stuck.forEach(this::pass);
            stuck.clear();
            queue.submit();
        }
    }

    private boolean give(Results into) {
        boolean any = false;
        for (Iterator<Answer> each = new ArrayList<>(answers).iterator(); each.hasNext(); ) {
            Answer answer = each.next();
            if (answer.dueNanos - System.nanoTime() > 0) {
                continue;
            }
            answers.remove(answer);
            any = true;
            if (answer.why == null) {
                into.moved(answer.tag, answer.moved);
            } else {
                into.failed(answer.tag, answer.why);
            }
        }
        return any;
    }

    /** Takes the queue's own results and makes of them what the faults say. */
    private final class Changed implements Results {
        @Override
        public void moved(int tag, long bytes) {
            Asked request = asked[tag];
            long told = bytes;
            switch (request.fault.kind()) {
                case TORN -> told = request.write ? request.bytes.byteSize() : bytes;
                case FLIPPED -> {
                    if (!request.write && bytes > 0) {
                        flip(request.bytes.asSlice(0, bytes), request.fault.amount());
                    }
                }
                case NONE, ERROR, STUCK -> {}
            }
            answer(tag, told, null);
        }

        @Override
        public void failed(int tag, String why) {
            answer(tag, 0, why);
        }

        @Override
        public void again(int tag) {
            Asked request = asked[tag];
            queue.offer(tag, request.write, request.offset, request.bytes);
            queue.submit();
        }
    }

    @Override
    public void register(Iterable<MemorySegment> buffers) {
        queue.register(buffers);
    }

    @Override
    public void close() {
        queue.close();
        if (queue.held() == 0) {
            arena.close();
        }
    }

    @Override
    public int held() {
        return queue.held();
    }
}
