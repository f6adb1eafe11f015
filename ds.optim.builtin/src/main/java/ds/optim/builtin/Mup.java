package ds.optim.builtin;

import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.StateSlot;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleFunction;
import java.util.function.ToDoubleFunction;

/**
 * An optimizer whose learning rates follow the width of the model (μP): each parameter has the base
 * rate times a factor that its growth gives, and the weight decay divided by it, so that their
 * product stays. Immutable but for what it remembers; used by all ranks at once.
 */
final class Mup implements Optimizer {
    private final BaseShapes shapes;
    private final ToDoubleFunction<BaseShapes.Growth> rate;
    private final boolean decaysAlone;
    private final DoubleFunction<Optimizer> withDecayTimes;
    private final Optimizer unscaled;
    private final Map<Double, Optimizer> scaled = new ConcurrentHashMap<>();

    /**
     * Scales an optimizer.
     *
     * @param shapes of the base model
     * @param rate the factor of the learning rate
     * @param decaysAlone whether the weight decay stays as it is
     * @param withDecayTimes makes the optimizer with a multiple of the weight decay
     */
    Mup(
            BaseShapes shapes,
            ToDoubleFunction<BaseShapes.Growth> rate,
            boolean decaysAlone,
            DoubleFunction<Optimizer> withDecayTimes) {
        this.shapes = shapes;
        this.rate = rate;
        this.decaysAlone = decaysAlone;
        this.withDecayTimes = withDecayTimes;
        this.unscaled = withDecayTimes.apply(1);
    }

    /** Returns MuAdam's factor: matrices go slower, the wider their input. */
    static double adam(BaseShapes.Growth growth) {
        return growth.dimensions() == 2 ? 1 / growth.width() : 1;
    }

    /** Returns MuSGD's factor: vectors go faster, matrices by the ratio of output to input. */
    static double sgd(BaseShapes.Growth growth) {
        return switch (growth.dimensions()) {
            case 1 -> growth.width();
            case 2 -> 1 / growth.ratio();
            default -> 1;
        };
    }

    @Override
    public Hyper base() {
        return unscaled.base();
    }

    @Override
    public Hyper base(ParameterSpec parameter) {
        return base().withLr(base().lr() * factor(parameter));
    }

    @Override
    public List<StateSlot> slots() {
        return unscaled.slots();
    }

    @Override
    public List<StateSlot> slots(ParameterSpec parameter) {
        return unscaled.slots(parameter);
    }

    @Override
    public Kind kind(ParameterSpec parameter) {
        double factor = decaysAlone ? 1 : factor(parameter);
        return scaled.computeIfAbsent(1 / factor, withDecayTimes::apply).kind(parameter);
    }

    private double factor(ParameterSpec parameter) {
        return rate.applyAsDouble(shapes.growth(parameter));
    }

    @Override
    public String toString() {
        return "Mup[%s, %s]".formatted(unscaled, shapes);
    }
}
