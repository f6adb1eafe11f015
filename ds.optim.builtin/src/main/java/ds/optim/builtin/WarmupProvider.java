package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.List;

/** WarmupLR: warm-up, then constant. */
public final class WarmupProvider implements ScheduleProvider {
    /** Called by the service loader. */
    public WarmupProvider() {}

    @Override
    public String name() {
        return "WarmupLR";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return WarmupKeys.with(KeyDeclaration.number("warmup_max_lr"));
    }

    /** Creates the schedule; without {@code warmup_max_lr} it ends at the optimizer's own rate. */
    @Override
    public Schedule create(Settings params, Hyper base) {
        return WarmupKeys.create(params, base.lr(), (_, _) -> 1);
    }
}
