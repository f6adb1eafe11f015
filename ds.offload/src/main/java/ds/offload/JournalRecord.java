package ds.offload;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One record of a journal.
 *
 * @param sequence counts the records of a store, from 1, without a gap
 * @param kind what it is
 * @param epoch how often the run had been recovered
 * @param commit the commit that holds after it
 * @param payload what {@link CommitCodec} wrote; heap memory
 */
record JournalRecord(long sequence, Kind kind, long epoch, long commit, ByteBuffer payload) {
    /** What a record is. Its ordinal is in the file. */
    enum Kind {
        /** All slots of all blocks; opens a file. */
        SNAPSHOT,
        /** The blocks that changed since the record before. */
        STEP,
        /** All slots of all blocks, as they were at an earlier commit. */
        ROLLBACK;

        /** Returns whether the record stands by itself. */
        boolean isFull() {
            return this != STEP;
        }
    }

    /** Returns the payload, to be read from its beginning. */
    ByteBuffer reader() {
        return payload.duplicate().order(ByteOrder.LITTLE_ENDIAN).rewind();
    }
}
