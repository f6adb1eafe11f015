package ds.optim.builtin;

/**
 * What no schedule changes.
 *
 * @param dampening how much of each new gradient is kept out of the buffer
 * @param weightDecay the weight that joins the gradient, 0 or more
 * @param nesterov whether the step looks ahead
 */
record SgdSettings(double dampening, double weightDecay, boolean nesterov) {}
