package ds.kernels.host;

import ds.kernels.Workers;
import java.util.Arrays;
import java.util.function.ObjIntConsumer;
import java.util.function.Supplier;

/** The workers of one rank, each with its memory, and the ways in which kernels cut their work. */
final class Team {
    /** A piece of a long run of elements. */
    @FunctionalInterface
    interface Piece {
        /** Does {@code count} elements, at most {@link Scratch#TILE}, from {@code index}. */
        void run(Scratch own, long index, int count);
    }

    /** A piece of independent rows. */
    @FunctionalInterface
    interface Rows {
        /** Does the rows from {@code first} to before {@code end}. */
        void run(Scratch own, int first, int end);
    }

    /** Elements below which waking a worker costs more than it gains. */
    private static final int PART_ELEMENTS = 16_384;

    private final Workers workers;
    private final Scratch[] scratch;

    Team(Workers workers, Supplier<Lanes> lanes) {
        this.workers = workers;
        this.scratch = new Scratch[workers.count()];
        Arrays.setAll(scratch, _ -> new Scratch(lanes.get()));
    }

    Workers workers() {
        return workers;
    }

    /** Returns the memory of worker {@code index}; 0 is the caller. */
    Scratch scratch(int index) {
        return scratch[index];
    }

    /** Runs numbered parts, each with its worker's memory. */
    void parts(int parts, ObjIntConsumer<Scratch> part) {
        workers.run(parts, (worker, index) -> part.accept(scratch[worker], index));
    }

    /** Cuts {@code count} elements in tiles; any worker takes any. */
    void tiles(long count, Piece piece) {
        int parts = Math.toIntExact((count + PART_ELEMENTS - 1) / PART_ELEMENTS);
        workers.run(
                parts,
                (worker, part) -> {
                    long end = Math.min(count, (part + 1L) * PART_ELEMENTS);
                    for (long i = (long) part * PART_ELEMENTS; i < end; i += Scratch.TILE) {
                        piece.run(scratch[worker], i, (int) Math.min(Scratch.TILE, end - i));
                    }
                });
    }

    /** Cuts {@code rows} rows of {@code width} elements in runs of whole rows. */
    void rows(int rows, int width, Rows piece) {
        int unit = Math.max(1, PART_ELEMENTS / Math.max(width, 1));
        workers.run(
                (rows + unit - 1) / unit,
                (worker, part) ->
                        piece.run(scratch[worker], part * unit, Math.min(rows, (part + 1) * unit)));
    }
}
