package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type Adagrad: the names, defaults and meaning of PyTorch, which DeepSpeed hands them to. */
public final class AdagradProvider implements OptimizerProvider {
    private static final double LR = 1e-2;
    private static final double EPS = 1e-10;

    /** Called by the service loader. */
    public AdagradProvider() {}

    @Override
    public String name() {
        return "adagrad";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return SharedKeys.and(
                SharedKeys.torch(),
                SharedKeys.lr(LR),
                SharedKeys.eps(EPS),
                SharedKeys.l2(),
                KeyDeclaration.number("lr_decay", 0)
                        .atLeast(0)
                        .doc("Divides the learning rate by 1 + lr_decay times the steps made."),
                KeyDeclaration.number("initial_accumulator_value", 0)
                        .atLeast(0)
                        .doc("What the sum of squared gradients starts from."),
                SharedKeys.fp32States(),
                KeyDeclaration.flag("amsgrad", false)
                        .doc("Accepted by DeepSpeed's CPU Adagrad.")
                        .refused("Adagrad has no AMSGrad variant; remove it or set it to false."));
    }

    @Override
    public Optimizer create(Settings params) {
        return new Adagrad(
                new Hyper(params.doubleOr("lr", LR), 0, 0),
                new AdagradSettings(
                        params.doubleOr("eps", EPS),
                        params.doubleOr("weight_decay", 0),
                        params.doubleOr("lr_decay", 0),
                        params.doubleOr("initial_accumulator_value", 0)),
                Passes.best());
    }
}
