package ds.optim.builtin;

/**
 * What no schedule changes.
 *
 * @param eps added to the denominator, 0 or more
 * @param weightDecay the weight that joins the gradient, 0 or more
 * @param lrDecay how fast the learning rate falls by itself, 0 or more
 * @param initial what the sum of squares is larger by, 0 or more
 */
record AdagradSettings(double eps, double weightDecay, double lrDecay, double initial) {}
