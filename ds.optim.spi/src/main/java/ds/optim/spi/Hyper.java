package ds.optim.spi;

/**
 * What a schedule may change.
 *
 * @param lr the learning rate
 * @param beta1OrMomentum the first moment's decay, or the momentum
 * @param beta2 the second moment's decay
 */
public record Hyper(double lr, double beta1OrMomentum, double beta2) {
    /** Returns this with another learning rate. */
    public Hyper withLr(double value) {
        return new Hyper(value, beta1OrMomentum, beta2);
    }
}
