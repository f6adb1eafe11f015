package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type AdamW: decoupled decay, always. */
public final class AdamWProvider implements OptimizerProvider {
    /** Called by the service loader. */
    public AdamWProvider() {}

    @Override
    public String name() {
        return "adamw";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return AdamKeys.with(
                KeyDeclaration.flag("adam_w_mode", true)
                        .doc("Decoupled weight decay.")
                        .noEffect(
                                "type AdamW always decouples the decay; type Adam has both modes."));
    }

    @Override
    public Optimizer create(Settings params) {
        return AdamKeys.create(params, true);
    }
}
