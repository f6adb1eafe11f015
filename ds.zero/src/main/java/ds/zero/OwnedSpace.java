package ds.zero;

import ds.model.Parameter;
import ds.optim.spi.Optimizer;
import ds.optim.spi.StateSlot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The elements that one rank holds of something, numbered without gaps: a list of runs, each inside
 * one region of one unit. Pure arithmetic, immutable.
 */
public final class OwnedSpace {
    /**
     * A contiguous piece of a region.
     *
     * @param unit index of the unit in layout order
     * @param region which part of the unit
     * @param regionOffset first element inside the region
     * @param offset first element inside the owned space
     * @param length elements; a multiple of {@value PartitionMap#BLOCK_ELEMENTS}
     */
    public record Run(int unit, Region region, long regionOffset, long offset, long length) {
        /** Returns the element of the owned space after the last one. */
        public long end() {
            return offset + length;
        }
    }

    /**
     * A contiguous piece of a parameter; padding lies in no piece.
     *
     * @param parameter the parameter that owns the storage
     * @param parameterOffset first element inside the parameter
     * @param offset first element inside the owned space
     * @param length elements, at least 1
     */
    public record Piece(Parameter parameter, long parameterOffset, long offset, long length) {}

    private static final long ABSENT = Long.MIN_VALUE;

    private final PartitionMap map;
    private final List<Run> runs;
    private final long elements;
    private final long[][] bases = new long[Region.values().length][]; // by region and unit

    OwnedSpace(PartitionMap map, List<Run> runs) {
        this.map = map;
        this.runs = List.copyOf(runs);
        this.elements = runs.isEmpty() ? 0 : runs.getLast().end();
        for (Region region : Region.values()) {
            long[] base = new long[map.layout().units().size()];
            Arrays.fill(base, ABSENT);
            bases[region.ordinal()] = base;
        }
        // Runs of one region follow each other without a gap, so one base serves all of them.
        for (Run run : this.runs) {
            long[] base = bases[run.region().ordinal()];
            if (base[run.unit()] == ABSENT) {
                base[run.unit()] = run.offset() - run.regionOffset();
            }
        }
    }

    /** Returns where element {@code regionOffset} of a region lies; it must be owned. */
    long offsetOf(int unit, Region region, long regionOffset) {
        long base = bases[region.ordinal()][unit];
        if (base == ABSENT) {
            throw new IllegalArgumentException(
                    "Nothing of region %s of unit %d is owned here.".formatted(region, unit));
        }
        return base + regionOffset;
    }

    /** Returns the runs in order of their offsets, none empty. */
    public List<Run> runs() {
        return runs;
    }

    /** Returns the number of elements, padding included. */
    public long elements() {
        return elements;
    }

    /** Returns the run that holds element {@code offset}. */
    public Run runAt(long offset) {
        return runs.get(indexAt(offset));
    }

    /** Returns the index of the run that holds element {@code offset}. */
    int indexAt(long offset) {
        Objects.checkIndex(offset, elements);
        int low = 0;
        int high = runs.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (runs.get(middle).offset() <= offset) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** Returns the slots that the elements of a run have: of a whole matrix, those it needs. */
    public List<StateSlot> slots(Run run, Optimizer optimizer) {
        return run.region() == Region.WHOLE
                ? optimizer.slots(
                        ShardStepper.spec(
                                pieces(run.offset(), run.length()).getFirst().parameter()))
                : optimizer.slots();
    }

    /** Returns the parameter pieces in [first, first + length), ascending, over any number of runs. */
    public List<Piece> pieces(long first, long length) {
        Objects.checkFromIndexSize(first, length, elements);
        List<Piece> pieces = new ArrayList<>();
        long at = first;
        while (at < first + length) {
            Run run = runAt(at);
            long count = Math.min(run.end(), first + length) - at;
            addPieces(run, at, count, pieces);
            at += count;
        }
        return pieces;
    }

    private void addPieces(Run run, long first, long length, List<Piece> pieces) {
        long from = run.regionOffset() + (first - run.offset());
        long to = from + length;
        for (PartitionMap.Place place : map.placesIn(run.unit(), run.region(), from, to)) {
            long start = Math.max(from, place.offset());
            long end = Math.min(to, place.offset() + place.parameter().elements());
            if (start < end) {
                pieces.add(
                        new Piece(
                                place.parameter(),
                                start - place.offset(),
                                first + (start - from),
                                end - start));
            }
        }
    }
}
