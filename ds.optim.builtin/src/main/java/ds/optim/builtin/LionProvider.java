package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type Lion: DeepSpeed's names and defaults, and the published rule. */
public final class LionProvider implements OptimizerProvider {
    private static final double LR = 1e-3;

    /** Called by the service loader. */
    public LionProvider() {}

    @Override
    public String name() {
        return "lion";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return SharedKeys.and(
                List.of(SharedKeys.setGradNone(), SharedKeys.fp32States()),
                SharedKeys.lr(LR),
                SharedKeys.betas(
                        "Decay rates of the momentum in a step and of the one that is kept."),
                SharedKeys.decoupled());
    }

    @Override
    public Optimizer create(Settings params) {
        return new Lion(
                SharedKeys.hyper(params, LR), params.doubleOr("weight_decay", 0), Passes.best());
    }
}
