package ds.foreign.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import ds.foreign.libc.LibcMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The two rings that this process and the kernel share. Whoever writes a ring moves its tail with
 * release semantics after the entries, whoever reads it reads the tail with acquire semantics before
 * them; heads go the other way, so that an entry is reused only after it was read.
 */
final class Rings {
    private static final VarHandle INDEX = JAVA_INT.varHandle();
    private static final long SQES_OFFSET = 0x1000_0000L;

    private static final long SQE_BYTES = UringLayout.SQE.byteSize();
    private static final long CQE_BYTES = UringLayout.CQE.byteSize();
    private static final long SQE_OPCODE = UringLayout.offset(UringLayout.SQE, "opcode");
    private static final long SQE_FLAGS = UringLayout.offset(UringLayout.SQE, "flags");
    private static final long SQE_FILE = UringLayout.offset(UringLayout.SQE, "fd");
    private static final long SQE_OFFSET = UringLayout.offset(UringLayout.SQE, "off");
    private static final long SQE_ADDRESS = UringLayout.offset(UringLayout.SQE, "addr");
    private static final long SQE_LENGTH = UringLayout.offset(UringLayout.SQE, "len");
    private static final long SQE_TAG = UringLayout.offset(UringLayout.SQE, "user_data");
    private static final long SQE_BUFFER = UringLayout.offset(UringLayout.SQE, "buf_index");
    private static final long CQE_TAG = UringLayout.offset(UringLayout.CQE, "user_data");
    private static final long CQE_RESULT = UringLayout.offset(UringLayout.CQE, "res");

    private final MemorySegment ring;
    private final MemorySegment sqes;
    private final long submissionHead;
    private final long submissionTail;
    private final int submissionMask;
    private final long completionHead;
    private final long completionTail;
    private final int completionMask;
    private final long cqes;

    /** The submission tail as far as entries are written; the kernel sees it at {@link #publish}. */
    private int written;

    /** The completion head: only this side moves it. */
    private int read;

    /**
     * Maps the rings of a descriptor into {@code arena}.
     *
     * @param params what the kernel said when it set the ring up
     * @throws ds.foreign.NativeException if it refuses to map them
     */
    Rings(int descriptor, MemorySegment params, Arena arena) {
        int requests = field(params, "sq_entries");
        int results = field(params, "cq_entries");
        long array = field(params, "sq_off", "array");
        this.cqes = field(params, "cq_off", "cqes");
        long size = Math.max(array + (long) Integer.BYTES * requests, cqes + CQE_BYTES * results);
        this.ring = LibcMemory.mapShared(arena, size, descriptor, 0);
        this.sqes = LibcMemory.mapShared(arena, SQE_BYTES * requests, descriptor, SQES_OFFSET);
        this.submissionHead = field(params, "sq_off", "head");
        this.submissionTail = field(params, "sq_off", "tail");
        this.submissionMask = ring.get(JAVA_INT, field(params, "sq_off", "ring_mask"));
        this.completionHead = field(params, "cq_off", "head");
        this.completionTail = field(params, "cq_off", "tail");
        this.completionMask = ring.get(JAVA_INT, field(params, "cq_off", "ring_mask"));
        for (int i = 0; i < requests; i++) {
            ring.set(JAVA_INT, array + (long) Integer.BYTES * i, i); // entries are used in order
        }
        this.written = ring.get(JAVA_INT, submissionTail);
        this.read = ring.get(JAVA_INT, completionHead);
    }

    private static int field(MemorySegment params, String... path) {
        return params.get(JAVA_INT, UringLayout.offset(UringLayout.PARAMS, path));
    }

    /**
     * Writes one request; there is room, since no more are under way than the ring has entries.
     *
     * @param buffer the index of the registered buffer, or 0
     */
    void write(
            int tag,
            byte operation,
            byte flags,
            int file,
            long offset,
            MemorySegment bytes,
            int buffer) {
        long at = (written & submissionMask) * SQE_BYTES;
        for (long i = 0; i < SQE_BYTES; i += Long.BYTES) {
            sqes.set(JAVA_LONG, at + i, 0);
        }
        sqes.set(JAVA_BYTE, at + SQE_OPCODE, operation);
        sqes.set(JAVA_BYTE, at + SQE_FLAGS, flags);
        sqes.set(JAVA_INT, at + SQE_FILE, file);
        sqes.set(JAVA_LONG, at + SQE_OFFSET, offset);
        sqes.set(JAVA_LONG, at + SQE_ADDRESS, bytes.address());
        sqes.set(JAVA_INT, at + SQE_LENGTH, (int) bytes.byteSize());
        sqes.set(JAVA_LONG, at + SQE_TAG, tag);
        sqes.set(JAVA_SHORT, at + SQE_BUFFER, (short) buffer);
        written++;
    }

    /** Shows the kernel what was written, and returns how many requests it has not yet taken. */
    int publish() {
        INDEX.setRelease(ring, submissionTail, written);
        return unsent();
    }

    /** Returns how many written requests the kernel has not yet taken. */
    int unsent() {
        return written - (int) INDEX.getAcquire(ring, submissionHead);
    }

    /** Takes back what the kernel has not taken. */
    void retract() {
        written -= unsent();
        INDEX.setRelease(ring, submissionTail, written);
    }

    /** Returns how many results are there. */
    int ready() {
        return (int) INDEX.getAcquire(ring, completionTail) - read;
    }

    /** Returns the tag of the oldest result; there is one. */
    int tag() {
        return (int) ring.get(JAVA_LONG, result() + CQE_TAG);
    }

    /** Returns the oldest result: the bytes moved, or the negative error number. */
    int moved() {
        return ring.get(JAVA_INT, result() + CQE_RESULT);
    }

    private long result() {
        return cqes + (read & completionMask) * CQE_BYTES;
    }

    /** Gives the oldest result's entry back to the kernel. */
    void next() {
        read++;
        INDEX.setRelease(ring, completionHead, read);
    }
}
