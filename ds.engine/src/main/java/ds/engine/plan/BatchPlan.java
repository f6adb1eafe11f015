package ds.engine.plan;

/**
 * How a step's samples are cut.
 *
 * @param train samples per step over all ranks (T)
 * @param micro samples per micro-batch on one rank (M)
 * @param accumulation micro-batches per rank and step (G)
 * @param world data-parallel ranks (W)
 */
public record BatchPlan(int train, int micro, int accumulation, int world) {
    /** Checks T = M · G · W. */
    public BatchPlan {
        if (micro < 1
                || accumulation < 1
                || world < 1
                || train != (long) micro * accumulation * world) {
            throw new IllegalArgumentException(
                    "train_batch_size %d is not %d (micro) x %d (accumulation) x %d (ranks)."
                            .formatted(train, micro, accumulation, world));
        }
    }

    /** Returns n = G · W, the micro-batches whose gradients are added up. */
    public int contributions() {
        return accumulation * world;
    }
}
