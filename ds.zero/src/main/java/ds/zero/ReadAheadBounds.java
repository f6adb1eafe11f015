package ds.zero;

import ds.offload.AheadSlots;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.PrimitiveIterator;

/**
 * How many of the units that come next are read ahead at once: as many as fit, but the first of them
 * always, as far as there are slots. For the plan too, so that it says what is done.
 */
final class ReadAheadBounds {
    private final long[] elements; // by unit; 0 where this rank has nothing of it in a file
    private final long[] bytes; // by unit: this rank's part in its file
    private final int[] taken; // by unit: slots that the part fills
    private final AheadSlots slots;
    private final long bucketElements;
    private final long maxLiveElements;

    /**
     * Bounds what a rank reads.
     *
     * @param slots of the file in which its parameters rest
     */
    ReadAheadBounds(PartitionMap map, ZeroOptions options, AheadSlots slots, int rank) {
        int units = map.layout().units().size();
        this.elements = new long[units];
        this.bytes = new long[units];
        this.taken = new int[units];
        this.slots = slots;
        this.bucketElements = options.parameters().aheadElements();
        this.maxLiveElements = options.maxLiveParameters();
        if (!none()) {
            for (OwnedSpace.Run run : options.parameters().stored(map.owned(rank, true))) {
                long runBytes = options.precision().bytesOf(run.length());
                elements[run.unit()] = map.elements(run.unit());
                bytes[run.unit()] += runBytes;
                taken[run.unit()] += slots.taken(runBytes);
            }
        }
    }

    /** Returns whether nothing is ever read ahead. */
    boolean none() {
        return bucketElements == 0 || slots.count() == 0;
    }

    /**
     * Returns the units to be read ahead, in order.
     *
     * @param expected those that come next; read until one does not fit, or is there twice
     * @param liveElements gathered ones that they are beside
     */
    List<Integer> fitting(PrimitiveIterator.OfInt expected, long liveElements) {
        List<Integer> found = new ArrayList<>();
        BitSet seen = new BitSet();
        long leftElements = Math.min(bucketElements, maxLiveElements - liveElements);
        int leftSlots = slots.count();
        while (!none() && expected.hasNext()) {
            int unit = expected.nextInt();
            if (seen.get(unit)) {
                break;
            }
            seen.set(unit);
            if (elements[unit] == 0) {
                continue;
            }
            leftElements -= elements[unit];
            leftSlots -= taken[unit];
            if (!found.isEmpty() && (leftElements < 0 || leftSlots < 0)) {
                break;
            }
            found.add(unit);
        }
        return found;
    }

    /** Returns what a rank has ahead with {@code units}, as far as there are slots. */
    ReadAheadEstimate estimate(List<Integer> units) {
        long all = units.stream().mapToLong(unit -> elements[unit]).sum();
        long own = units.stream().mapToLong(unit -> bytes[unit]).sum();
        int filled = units.stream().mapToInt(unit -> taken[unit]).sum();
        return new ReadAheadEstimate(
                units.size(),
                all,
                Math.min(own, slots.count() * slots.sizeBytes()),
                Math.min(filled, slots.count()));
    }
}
