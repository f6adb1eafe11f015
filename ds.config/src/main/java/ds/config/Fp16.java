package ds.config;

/**
 * The {@code fp16} section: half precision with loss scaling.
 *
 * <p>Source: DeepSpeed {@code runtime/precision_config.py}, same names and defaults.
 *
 * @param enabled whether to train in fp16; default false
 * @param lossScale fixed scale, or 0 for a dynamic one; default 0
 * @param initialScalePower the dynamic scale starts at 2 to this power; default 16
 * @param lossScaleWindow steps without overflow before the scale doubles; default 1000
 * @param hysteresis overflows tolerated before the scale is halved; default 2
 * @param consecutiveHysteresis whether a good step restores hysteresis; default false
 * @param minLossScale smallest dynamic scale; default 1
 * @param masterWeightsAndGrads whether masters and accumulated gradients are fp16 too; default false
 */
public record Fp16(
        Tunable<Boolean> enabled,
        double lossScale,
        int initialScalePower,
        long lossScaleWindow,
        int hysteresis,
        boolean consecutiveHysteresis,
        long minLossScale,
        boolean masterWeightsAndGrads) {
    /** Refuses a negative or unbounded scale. */
    public Fp16 {
        if (!(lossScale >= 0) || Double.isInfinite(lossScale)) {
            throw new ConfigException(
                    "/fp16/loss_scale", "must be finite and 0 or more, was " + lossScale);
        }
    }

    /** Returns whether the scale adapts to overflows. */
    public boolean isDynamic() {
        return lossScale == 0;
    }
}
