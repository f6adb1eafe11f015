package ds.engine;

import java.util.Optional;

/**
 * The loss scale of fp16 training, static or dynamic, with DeepSpeed's rules ({@code
 * runtime/fp16/loss_scaler.py}). fp32 and bf16 use a static scale of 1. Every rank holds one and
 * updates it with the same flag. Owned by one thread.
 */
public final class LossScaler {
    /**
     * What a checkpoint keeps.
     *
     * @param scale the scale in force
     * @param hysteresis overflows left before the scale shrinks
     * @param iteration updates so far
     * @param lastOverflow the iteration of the last overflow; −1 before any
     */
    public record State(double scale, int hysteresis, long iteration, long lastOverflow) {}

    /**
     * The rules of a dynamic scale.
     *
     * @param initialScale the first scale, a power of two
     * @param window updates without overflow before the scale doubles, at least 1
     * @param hysteresis overflows before the scale halves, at least 1
     * @param consecutiveHysteresis whether any good step restores the hysteresis
     * @param minimumScale the scale never goes below
     * @param unscalesByNext whether the step that doubles the scale divides its gradient by the doubled
     *     scale, as DeepSpeed's fp16 optimizers do, and not by the one that multiplied the loss
     */
    public record Dynamic(
            double initialScale,
            long window,
            int hysteresis,
            boolean consecutiveHysteresis,
            double minimumScale,
            boolean unscalesByNext) {}

    private static final double FACTOR = 2;

    private final Optional<Dynamic> dynamic;
    private double scale;
    private int hysteresis;
    private long iteration;
    private long lastOverflow = -1;

    private LossScaler(Optional<Dynamic> dynamic, double scale, int hysteresis) {
        this.dynamic = dynamic;
        this.scale = scale;
        this.hysteresis = hysteresis;
    }

    /** Creates a scaler that never changes. */
    public static LossScaler fixed(double scale) {
        return new LossScaler(Optional.empty(), scale, 1);
    }

    /** Creates a scaler that follows the overflows. */
    public static LossScaler dynamic(Dynamic rules) {
        return new LossScaler(Optional.of(rules), rules.initialScale(), rules.hysteresis());
    }

    /** Returns the scale in force. */
    public double scale() {
        return scale;
    }

    /** Returns the overflows left before the scale shrinks. */
    public int hysteresis() {
        return hysteresis;
    }

    /** Returns whether an overflow now would find the scale at its minimum with nothing left to try. */
    public boolean exhausted() {
        return dynamic.isEmpty() || hysteresis == 1 && scale <= dynamic.get().minimumScale();
    }

    /**
     * Returns what the gradient of the boundary noted last is divided by.
     *
     * @param inForce the scale that multiplied its losses
     */
    public double unscalesBy(double inForce) {
        return dynamic.isPresent() && dynamic.get().unscalesByNext() ? scale : inForce;
    }

    /** Takes note of one boundary. */
    public void update(boolean overflow) {
        if (dynamic.isPresent()) {
            update(dynamic.get(), overflow);
        }
        iteration++;
    }

    private void update(Dynamic rules, boolean overflow) {
        if (overflow) {
            if (rules.hysteresis() == 1 || hysteresis == 1) {
                scale = Math.max(scale / FACTOR, rules.minimumScale());
            } else {
                hysteresis--;
            }
            lastOverflow = iteration;
            return;
        }
        if (rules.consecutiveHysteresis()) {
            hysteresis = rules.hysteresis();
        }
        long stable = iteration - lastOverflow - 1;
        if (stable > 0 && stable % rules.window() == 0) {
            hysteresis = rules.hysteresis();
            scale *= FACTOR;
        }
    }

    /** Returns what a checkpoint keeps. */
    public State state() {
        return new State(scale, hysteresis, iteration, lastOverflow);
    }

    /** Continues from a checkpoint. */
    public void restore(State state) {
        scale = state.scale();
        hysteresis = state.hysteresis();
        iteration = state.iteration();
        lastOverflow = state.lastOverflow();
    }
}
