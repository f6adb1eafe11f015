package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type MuSGD: package mup's, with learning rates that follow the width of the model. */
public final class MuSgdProvider implements OptimizerProvider {
    /** Called by the service loader. */
    public MuSgdProvider() {}

    @Override
    public String name() {
        return "musgd";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return MupKeys.with(
                SgdProvider.momentum(), SgdProvider.dampening(), SgdProvider.nesterov());
    }

    @Override
    public Optimizer create(Settings params) {
        double decay = params.doubleOr("weight_decay", 0);
        return new Mup(
                BaseShapes.of(params, "MuSGD"),
                Mup::sgd,
                params.booleanOr("decoupled_wd", false),
                factor -> SgdProvider.sgd(params.with("weight_decay", decay * factor)));
    }
}
