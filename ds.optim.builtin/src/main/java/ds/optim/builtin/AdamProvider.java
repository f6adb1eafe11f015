package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type Adam: decoupled decay unless {@code adam_w_mode} is false, as in DeepSpeed. */
public final class AdamProvider implements OptimizerProvider {
    /** Called by the service loader. */
    public AdamProvider() {}

    @Override
    public String name() {
        return "adam";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return AdamKeys.with(
                KeyDeclaration.flag("adam_w_mode", true)
                        .doc(
                                "Decoupled weight decay (AdamW); false adds the decay to the gradient."));
    }

    @Override
    public Optimizer create(Settings params) {
        return AdamKeys.create(params, params.booleanOr("adam_w_mode", true));
    }
}
