package ds.optim.builtin;

/**
 * What no schedule changes.
 *
 * @param eps added to the denominator, 0 or more
 * @param weightDecay strength of the decay, 0 or more
 * @param decoupled whether weights decay by themselves (AdamW) or through the gradient (L2)
 * @param biasCorrection whether young moments are scaled up
 * @param amsgrad whether the largest second moment so far is in the denominator
 */
record AdamSettings(
        double eps,
        double weightDecay,
        boolean decoupled,
        boolean biasCorrection,
        boolean amsgrad) {}
