package ds.optim.spi;

import ds.kernels.Kernels;
import ds.kernels.Workers;

/**
 * Everything about this step that is not an array.
 *
 * @param globalStep boundaries so far, this one included, skipped ones too; from 1
 * @param appliedSteps boundaries that changed parameters, this one included: the t of bias
 *     correction; from 1
 * @param microStep micro-batches per rank so far
 * @param hyper the schedule's values for this step
 * @param gradientScale the factor for every gradient element: 1/n, loss scale and clipping in one,
 *     applied inside the step
 * @param kernels the math
 */
public record StepContext(
        long globalStep,
        long appliedSteps,
        long microStep,
        Hyper hyper,
        float gradientScale,
        Kernels kernels) {
    /**
     * Elements of one piece of {@link #forEachPiece}: long enough that the memory streams dominate,
     * short enough that a small shard still feeds several workers. A multiple of every vector width
     * and of the partition's blocks.
     */
    public static final int PIECE_ELEMENTS = 32_768;

    /** Work on a run of elements. */
    @FunctionalInterface
    public interface Piece {
        /** Steps elements {@code from} to {@code to} − 1, in any order. */
        void step(long from, long to);
    }

    /** Returns the worker pool over which a step may split its elements. */
    public Workers workers() {
        return kernels.workers();
    }

    /**
     * Cuts {@code lengthElements} elements in pieces of {@value #PIECE_ELEMENTS} (the last one
     * shorter), spreads them over the workers and returns when all are done. The cuts do not depend
     * on the number of workers.
     */
    public void forEachPiece(long lengthElements, Piece piece) {
        int pieces = Math.toIntExact(Math.ceilDiv(lengthElements, (long) PIECE_ELEMENTS));
        workers()
                .run(
                        pieces,
                        (_, index) -> {
                            long from = (long) index * PIECE_ELEMENTS;
                            piece.step(from, Math.min(from + PIECE_ELEMENTS, lengthElements));
                        });
    }
}
