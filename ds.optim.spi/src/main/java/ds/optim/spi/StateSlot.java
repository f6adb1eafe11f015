package ds.optim.spi;

/**
 * One fp32 state array, as long as the parameters it belongs to, starting at zero. The runtime owns
 * it and decides where it rests.
 *
 * @param name as it appears in checkpoints: {@code exp_avg}
 */
public record StateSlot(String name) {}
