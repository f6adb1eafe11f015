package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type MuAdamW: package mup's, with learning rates that follow the width of the model. */
public final class MuAdamWProvider implements OptimizerProvider {
    /** Called by the service loader. */
    public MuAdamWProvider() {}

    @Override
    public String name() {
        return "muadamw";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return MupKeys.adam();
    }

    @Override
    public Optimizer create(Settings params) {
        return MupKeys.adam(params, "MuAdamW", true);
    }
}
