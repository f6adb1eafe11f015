package ds.zero;

import ds.core.DType;
import ds.offload.RestingPlace;

/**
 * How gradients travel and are added.
 *
 * @param contributions the type in which a rank hands its gradients over, rounded once to it
 * @param accumulators the type in which the owner adds them; 16-bit sums are rounded after each
 *     addition
 * @param factor what contributions are multiplied by before they are handed over; above 0, 1 leaves
 *     them as they are
 * @param limit the averaged gradient, still scaled by the loss scale, must be below this; infinity
 *     where it only has to be finite
 * @param place where accumulators rest; on NVMe only where they are sharded
 */
public record GradientStorage(
        DType contributions, DType accumulators, float factor, float limit, RestingPlace place) {
    /** From here on a number is rounded to infinity in fp16. */
    public static final float FP16_LIMIT = 65_520;

    /** Checks the ranges. */
    public GradientStorage {
        if (!(factor > 0 && factor <= Float.MAX_VALUE) || !(limit > 0)) {
            throw new IllegalArgumentException(
                    "The factor of contributions and the limit of gradients must be above 0, were %s and %s."
                            .formatted(factor, limit));
        }
    }

    /**
     * Returns what is usual for a run in {@code type}: contributions in it, sums in fp32. DeepSpeed adds
     * in fp16 where a run is in fp16, so that what fp16 cannot hold is an overflow here too.
     */
    public static GradientStorage of(DType type) {
        return new GradientStorage(
                type,
                DType.FP32,
                1,
                type == DType.FP16 ? FP16_LIMIT : Float.POSITIVE_INFINITY,
                new RestingPlace.OnDevice());
    }

    /** Returns this with accumulators at {@code other}. */
    public GradientStorage at(RestingPlace other) {
        return new GradientStorage(contributions, accumulators, factor, limit, other);
    }
}
