package ds.zero;

/**
 * What all ranks know after the one integer all-reduce of a step; the same bits on every rank.
 *
 * @param norm 2-norm of the averaged, unscaled gradient: the sum's norm over the divisor, or
 *     with local gradients as {@link ZeroRank#boundary} says; infinity if a gradient is not finite
 * @param overflow whether a gradient is not finite: the step must be skipped
 * @param losses the losses of all n micro-batches in order of g = k·W + r
 */
public record Boundary(double norm, boolean overflow, double[] losses) {
    /** Returns the mean loss: a left fold in order of g, in fp64, over n. */
    public double meanLoss() {
        double sum = 0;
        for (double loss : losses) {
            sum += loss;
        }
        return sum / losses.length;
    }
}
