package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import java.util.List;

/** Type Muon: DeepSpeed's names and defaults, with its Adam for what is no hidden matrix. */
public final class MuonProvider implements OptimizerProvider {
    private static final double MUON_LR = 0.02;
    private static final double ADAM_LR = 3e-4;
    private static final double MOMENTUM = 0.95;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.95;
    private static final double EPS = 1e-10;
    private static final String GRAM = "gram";

    /** Called by the service loader. */
    public MuonProvider() {}

    @Override
    public String name() {
        return "muon";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return SharedKeys.and(
                List.of(),
                KeyDeclaration.number("lr")
                        .atLeast(0)
                        .doc("Learning rate of both parts; by default 0.02 of Muon, 3e-4 of Adam."),
                KeyDeclaration.number("muon_lr")
                        .atLeast(0)
                        .doc("Learning rate of the matrices; overrides lr."),
                KeyDeclaration.number("adam_lr")
                        .atLeast(0)
                        .doc("Learning rate of everything else; overrides lr."),
                KeyDeclaration.number("momentum", MOMENTUM)
                        .atLeast(0)
                        .below(1)
                        .doc("Decay rate of the matrices' momentum."),
                SharedKeys.decoupled(),
                KeyDeclaration.choice("ns_method", GRAM, List.of(GRAM, "standard"))
                        .doc("Which Newton-Schulz iteration; they differ by rounding."),
                KeyDeclaration.numbers("betas", BETA1, BETA2)
                        .items(2)
                        .atLeast(0)
                        .below(1)
                        .doc("Decay rates of Adam's moments."),
                KeyDeclaration.number("eps", EPS).atLeast(0).doc("Added to Adam's denominator."));
    }

    @Override
    public Optimizer create(Settings params) {
        double decay = params.doubleOr("weight_decay", 0);
        double[] betas = params.doublesOr("betas", BETA1, BETA2);
        double adamLr = params.doubleOr("adam_lr", params.doubleOr("lr", ADAM_LR));
        return new Muon(
                new Hyper(
                        params.doubleOr("muon_lr", params.doubleOr("lr", MUON_LR)),
                        params.doubleOr("momentum", MOMENTUM),
                        0),
                decay,
                params.stringOr("ns_method", GRAM).equals(GRAM),
                new Adam(
                        new Hyper(adamLr, betas[0], betas[1]),
                        new AdamSettings(params.doubleOr("eps", EPS), decay, true, true, false),
                        Passes.best()),
                Passes.best());
    }
}
