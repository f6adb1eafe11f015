package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type SGD: PyTorch's names, defaults and meaning, which DeepSpeed falls back to. */
public final class SgdProvider implements OptimizerProvider {
    private static final double LR = 1e-3;

    /** Called by the service loader. */
    public SgdProvider() {}

    @Override
    public String name() {
        return "sgd";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return SharedKeys.and(
                SharedKeys.torch(),
                SharedKeys.lr(LR),
                momentum(),
                dampening(),
                nesterov(),
                SharedKeys.l2());
    }

    static KeyDeclaration momentum() {
        return KeyDeclaration.number("momentum", 0)
                .atLeast(0)
                .doc("Decay rate of the momentum buffer; 0 keeps no buffer.");
    }

    static KeyDeclaration dampening() {
        return KeyDeclaration.number("dampening", 0)
                .doc("How much of each new gradient is kept out of the buffer.");
    }

    static KeyDeclaration nesterov() {
        return KeyDeclaration.flag("nesterov", false)
                .doc("Nesterov's momentum; needs momentum and no dampening.");
    }

    @Override
    public Optimizer create(Settings params) {
        return sgd(params);
    }

    /** Creates SGD from checked settings. */
    static Sgd sgd(Settings params) {
        double momentum = params.doubleOr("momentum", 0);
        double dampening = params.doubleOr("dampening", 0);
        boolean nesterov = params.booleanOr("nesterov", false);
        if (nesterov && (momentum == 0 || dampening != 0)) {
            throw new IllegalArgumentException(
                    "SGD with nesterov needs a momentum above 0 and a dampening of 0, was given %s and %s."
                            .formatted(momentum, dampening));
        }
        return new Sgd(
                new Hyper(params.doubleOr("lr", LR), momentum, 0),
                new SgdSettings(dampening, params.doubleOr("weight_decay", 0), nesterov),
                Passes.best());
    }
}
