package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type ZeroOneAdam: DeepSpeed's names, defaults and meaning. */
public final class ZeroOneAdamProvider implements OptimizerProvider {
    private static final long VARIANCE_SCALER = 16;
    private static final long LOCAL_SCALER = 32_678; // sic, as in DeepSpeed
    private static final long LOCAL_MOST = 16;

    /** Called by the service loader. */
    public ZeroOneAdamProvider() {}

    @Override
    public String name() {
        return "zerooneadam";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return OneBitKeys.with(
                KeyDeclaration.integer("var_freeze_step", OneBitKeys.FREEZE)
                        .atLeast(0)
                        .in("steps")
                        .doc("The last step before the variance stays and ranks step alone."),
                KeyDeclaration.integer("var_update_scaler", VARIANCE_SCALER)
                        .atLeast(1)
                        .doc("Variance updates before their interval doubles."),
                KeyDeclaration.integer("local_step_scaler", LOCAL_SCALER)
                        .atLeast(1)
                        .in("steps")
                        .doc("Frozen steps before the interval of exchanges doubles."),
                KeyDeclaration.integer("local_step_clipper", LOCAL_MOST)
                        .atLeast(1)
                        .in("steps")
                        .doc("Largest interval of exchanges."));
    }

    @Override
    public Optimizer create(Settings params) {
        return new ZeroOneAdam(
                SharedKeys.hyper(params, OneBitKeys.LR),
                OneBitKeys.rule(params),
                new ZeroOneSteps(
                        params.longOr("var_freeze_step", OneBitKeys.FREEZE),
                        params.longOr("var_update_scaler", VARIANCE_SCALER),
                        params.longOr("local_step_scaler", LOCAL_SCALER),
                        params.longOr("local_step_clipper", LOCAL_MOST)),
                Passes.best());
    }
}
