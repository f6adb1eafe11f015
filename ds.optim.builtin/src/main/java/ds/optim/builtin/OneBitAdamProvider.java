package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type OneBitAdam: DeepSpeed's names, defaults and meaning. */
public final class OneBitAdamProvider implements OptimizerProvider {
    /** Called by the service loader. */
    public OneBitAdamProvider() {}

    @Override
    public String name() {
        return "onebitadam";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return OneBitKeys.with(
                OneBitKeys.freezeStep(
                        "freeze_step",
                        "The step from which the second moment stays and signs are exchanged."));
    }

    @Override
    public Optimizer create(Settings params) {
        return new OneBitAdam(
                SharedKeys.hyper(params, OneBitKeys.LR),
                OneBitKeys.rule(params),
                params.longOr("freeze_step", OneBitKeys.FREEZE),
                Passes.best());
    }
}
