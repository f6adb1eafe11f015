package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.List;

/** WarmupCosineLR: warm-up, then half a cosine down to {@code total_num_steps}. */
public final class WarmupCosineProvider implements ScheduleProvider {
    private static final String TOTAL = "total_num_steps";
    private static final double END_RATIO = 1e-4;

    /** Called by the service loader. */
    public WarmupCosineProvider() {}

    @Override
    public String name() {
        return "WarmupCosineLR";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return List.of(
                KeyDeclaration.integer(TOTAL)
                        .atLeast(1)
                        .in("steps")
                        .required()
                        .doc("Steps until the learning rate is at its end."),
                KeyDeclaration.number("warmup_min_ratio", 0)
                        .atLeast(0)
                        .doc("Share of the learning rate at the start of the warm-up."),
                WarmupKeys.steps(),
                KeyDeclaration.number("cos_min_ratio", END_RATIO)
                        .atLeast(0)
                        .doc("Share of the learning rate at the end of the cosine."),
                WarmupKeys.shape(),
                WarmupKeys.start());
    }

    @Override
    public Schedule create(Settings params, Hyper base) {
        if (!params.has(TOTAL)) {
            throw new IllegalArgumentException(
                    "WarmupCosineLR needs total_num_steps, the number of steps of the whole run.");
        }
        return new WarmupCosine(
                params.doubleOr("warmup_min_ratio", 0),
                WarmupKeys.steps(params),
                WarmupKeys.isLogarithmic(params),
                params.longOr(TOTAL, 0),
                params.doubleOr("cos_min_ratio", END_RATIO),
                WarmupKeys.start(params));
    }
}
