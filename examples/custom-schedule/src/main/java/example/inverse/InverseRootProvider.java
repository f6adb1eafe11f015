package example.inverse;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import ds.optim.spi.ScheduleProvider;
import java.util.List;

/** Makes the schedule that a configuration names. */
public final class InverseRootProvider implements ScheduleProvider {
    @Override
    public String name() {
        return "InverseRoot"; // what "scheduler": {"type": ...} must say
    }

    @Override
    public List<KeyDeclaration> settings() {
        return List.of(
                KeyDeclaration.integer("warmup_num_steps", 4000)
                        .atLeast(1)
                        .in("steps")
                        .doc("Steps until the learning rate is the optimizer's own."));
    }

    @Override
    public Schedule create(Settings params, Hyper base) {
        return new InverseRoot(params.longOr("warmup_num_steps", 4000));
    }
}
