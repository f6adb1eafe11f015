package ds.testkit;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/**
 * An optimizer that differs from another in one number of its settings.
 *
 * @param setting its name
 * @param was the value of the other
 * @param is the value of this one
 * @param optimizer made with it
 */
record SettingVariant(String setting, Object was, Object is, Optimizer optimizer) {
    private static final double[] FACTORS = {0.5, 0.75, 0.9, 1.1, 1.5};
    private static final double SOME_LR = 1e-3;

    /** Returns a variant for each number that can be another. What {@code create} refuses is left out. */
    static List<SettingVariant> of(OptimizerProvider provider, Settings settings, Hyper base) {
        double lr = base.lr() == 0 ? SOME_LR : base.lr();
        List<SettingVariant> variants = new ArrayList<>();
        for (KeyDeclaration key : provider.settings()) {
            Optional<Object> was = settings.value(key.name());
            if (was.isEmpty() && key.name().equals("lr")) {
                was = Optional.of(lr);
            }
            for (double factor : FACTORS) {
                Optional<Object> is = was.flatMap(value -> changed(key, value, v -> v * factor));
                Optional<Optimizer> made =
                        is.flatMap(value -> made(provider, settings.with(key.name(), value)));
                if (made.isPresent()) {
                    variants.add(
                            new SettingVariant(
                                    key.name(), was.orElseThrow(), is.orElseThrow(), made.get()));
                    break;
                }
            }
        }
        return variants;
    }

    private static Optional<Optimizer> made(OptimizerProvider provider, Settings settings) {
        try {
            return Optional.of(provider.create(settings));
        } catch (IllegalArgumentException _) { // the settings contradict one another now
            return Optional.empty();
        }
    }

    private static Optional<Object> changed(
            KeyDeclaration key, Object was, DoubleUnaryOperator change) {
        if (key.type() == KeyDeclaration.Type.NUMBER && was instanceof Number number) {
            double is = change.applyAsDouble(number.doubleValue());
            return is != number.doubleValue() && fits(key, is) ? Optional.of(is) : Optional.empty();
        }
        if (key.type() == KeyDeclaration.Type.NUMBERS && was instanceof List<?> list) {
            List<Double> is =
                    list.stream()
                            .map(item -> change.applyAsDouble(((Number) item).doubleValue()))
                            .toList();
            return !is.equals(was) && is.stream().allMatch(item -> fits(key, item))
                    ? Optional.of(is)
                    : Optional.empty();
        }
        return Optional.empty();
    }

    private static boolean fits(KeyDeclaration key, double value) {
        return key.range().contains(BigDecimal.valueOf(value));
    }

    @Override
    public String toString() {
        return "'%s' %s instead of %s".formatted(setting, is, was);
    }
}
