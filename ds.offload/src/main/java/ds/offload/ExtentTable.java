package ds.offload;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What a file of extents holds: for every block, which of its slots is current, and for every slot
 * the checksum and the generation of what was written there last. A block that is written moves to
 * its next slot once, and stays there until {@link #settle}: so what was current before is whole
 * until then. With one slot it is written in place. Owned by one thread at a time.
 */
final class ExtentTable {
    /** The generation of a slot that nothing was written to: it is full of zeros. */
    static final int BLANK = -1;

    private static final int RUN_BYTES = 9; // first block, count, slot
    private static final int SLOT_BYTES = 8; // checksum, generation

    private final int slots;
    private final byte[] current;
    private final int[] checksums;
    private final int[] generations;
    private final boolean[] moved;
    private boolean anyMoved;

    ExtentTable(int blocks, int slots) {
        this.slots = slots;
        this.current = new byte[blocks];
        this.checksums = new int[blocks * slots];
        this.generations = new int[blocks * slots];
        this.moved = new boolean[blocks];
        Arrays.fill(generations, BLANK);
    }

    int blocks() {
        return current.length;
    }

    int slots() {
        return slots;
    }

    /** Returns the slot in which a block is to be read, and written once it was {@link #move}d. */
    int slot(int block) {
        return current[block];
    }

    int checksum(int block, int slot) {
        return checksums[block * slots + slot];
    }

    int generation(int block, int slot) {
        return generations[block * slots + slot];
    }

    /** Returns whether anything was written since the last {@link #settle}. */
    boolean isMoved() {
        return anyMoved;
    }

    /** Says that a block's first slot holds zeros that are checksummed. */
    void first(int block) {
        generations[block * slots] = 0;
    }

    /** Says that a block is about to be written: its slot changes, unless it did already. */
    void move(int block) {
        int before = current[block];
        if (!moved[block]) {
            moved[block] = true;
            anyMoved = true;
            current[block] = (byte) ((before + 1) % slots);
        }
        generations[block * slots + current[block]] = generation(block, before) + 1;
    }

    /** Takes the checksum of what a block's slot is written with. */
    void seal(int block, int checksum) {
        checksums[block * slots + current[block]] = checksum;
    }

    /** Says that everything written is committed: the next write of a block takes its next slot. */
    void settle() {
        Arrays.fill(moved, false);
        anyMoved = false;
    }

    /** Takes over what another table of the same shape says, as committed. */
    void copyFrom(ExtentTable other) {
        System.arraycopy(other.current, 0, current, 0, current.length);
        System.arraycopy(other.checksums, 0, checksums, 0, checksums.length);
        System.arraycopy(other.generations, 0, generations, 0, generations.length);
        settle();
    }

    /** Returns the most bytes that either form takes. */
    static long encodedBytesMax(long blocks, int slots) {
        return Integer.BYTES + blocks * Math.max(RUN_BYTES + SLOT_BYTES, 1 + slots * SLOT_BYTES);
    }

    /** Writes all slots of all blocks. */
    void encodeAll(ByteBuffer into) {
        into.put(current);
        for (int i = 0; i < checksums.length; i++) {
            into.putInt(checksums[i]).putInt(generations[i]);
        }
    }

    /** Reads what {@link #encodeAll} wrote. */
    void decodeAll(ByteBuffer from) {
        from.get(current);
        for (int i = 0; i < checksums.length; i++) {
            checksums[i] = from.getInt();
            generations[i] = from.getInt();
        }
        for (byte slot : current) {
            requireSlot(slot);
        }
        settle();
    }

    /** Writes the current slots of the blocks that were written since the last {@link #settle}. */
    void encodeMoved(ByteBuffer into) {
        int countAt = into.position();
        into.putInt(0);
        int runs = 0;
        for (int block = 0; block < current.length; ) {
            int end = block;
            while (end < current.length && moved[end] && current[end] == current[block]) {
                end++;
            }
            if (end > block) {
                into.putInt(block).putInt(end - block).put(current[block]);
                for (int i = block; i < end; i++) {
                    into.putInt(checksum(i, current[i])).putInt(generation(i, current[i]));
                }
                runs++;
            }
            block = Math.max(end, block + 1);
        }
        into.putInt(countAt, runs);
    }

    /** Applies what {@link #encodeMoved} wrote. */
    void applyMoved(ByteBuffer from) {
        int runs = from.getInt();
        for (int run = 0; run < runs; run++) {
            int first = from.getInt();
            int count = from.getInt();
            byte slot = from.get();
            requireSlot(slot);
            for (int block = first; block < first + count; block++) {
                current[block] = slot;
                checksums[block * slots + slot] = from.getInt();
                generations[block * slots + slot] = from.getInt();
            }
        }
        settle();
    }

    private void requireSlot(byte slot) {
        if (slot < 0 || slot >= slots) {
            throw new StorageException(
                    "A commit record names slot %d of %d.".formatted(slot, slots));
        }
    }
}
