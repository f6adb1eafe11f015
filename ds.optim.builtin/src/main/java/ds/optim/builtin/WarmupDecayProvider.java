package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.ArrayList;
import java.util.List;

/** WarmupDecayLR: warm-up, then linear decay to the minimum at {@code total_num_steps}. */
public final class WarmupDecayProvider implements ScheduleProvider {
    private static final String TOTAL = "total_num_steps";
    private static final double MAX_LR = 1e-3;

    /** Called by the service loader. */
    public WarmupDecayProvider() {}

    @Override
    public String name() {
        return "WarmupDecayLR";
    }

    @Override
    public List<KeyDeclaration> settings() {
        List<KeyDeclaration> keys = new ArrayList<>();
        keys.add(
                KeyDeclaration.integer(TOTAL)
                        .atLeast(1)
                        .in("steps")
                        .required()
                        .doc("Steps until the learning rate is back at its minimum."));
        keys.addAll(WarmupKeys.with(KeyDeclaration.number("warmup_max_lr", MAX_LR)));
        return List.copyOf(keys);
    }

    /**
     * Creates the schedule. One whose warm-up is longer than the run climbs to the end of the warm-up
     * and falls to the minimum at once, as in DeepSpeed.
     */
    @Override
    public Schedule create(Settings params, Hyper base) {
        if (!params.has(TOTAL)) {
            throw new IllegalArgumentException(
                    "WarmupDecayLR needs total_num_steps, the number of steps of the whole run.");
        }
        long total = params.longOr(TOTAL, 0);
        return WarmupKeys.create(
                params,
                MAX_LR,
                (iteration, warmupSteps) ->
                        Math.max(
                                0,
                                (double) (total - iteration) / Math.max(1, total - warmupSteps)));
    }
}
