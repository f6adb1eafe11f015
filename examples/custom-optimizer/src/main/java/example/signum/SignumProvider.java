package example.signum;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Signum: step by the sign of the momentum. Bernstein et al. 2018, arXiv:1802.04434, algorithm 2. */
public final class SignumProvider implements OptimizerProvider {
    @Override
    public String name() {
        return "signum"; // what "optimizer": {"type": ...} must say
    }

    @Override
    public List<KeyDeclaration> settings() {
        return List.of(
                KeyDeclaration.number("lr", 1e-4).atLeast(0).doc("Length of every step."),
                KeyDeclaration.number("momentum", 0.9).atLeast(0).below(1).doc("Decay rate."));
    }

    @Override
    public Optimizer create(Settings params) {
        return new Signum(params.doubleOr("lr", 1e-4), params.doubleOr("momentum", 0.9));
    }
}
