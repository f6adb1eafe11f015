package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The parameters that the 1-bit family shares: DeepSpeed's names, defaults and meaning. */
final class OneBitKeys {
    static final double LR = 1e-3;
    static final double EPS = 1e-8;
    static final long FREEZE = 100_000;

    /** With fewer steps there would be no second moment to divide by. */
    private static final long FREEZE_LEAST = 2;

    private OneBitKeys() {}

    /** Returns the shared keys around {@code own}. */
    static List<KeyDeclaration> with(KeyDeclaration... own) {
        String communicator = "exchanges go through the ranks' own communicator.";
        List<KeyDeclaration> first =
                new ArrayList<>(
                        List.of(
                                SharedKeys.lr(LR),
                                SharedKeys.betas("Decay rates of the first and the second moment."),
                                SharedKeys.eps(EPS),
                                SharedKeys.decoupled()));
        first.addAll(Arrays.asList(own));
        return SharedKeys.and(
                List.of(
                        KeyDeclaration.flag("bias_correction", true)
                                .doc("Whether moments are scaled up while they are young.")
                                .noEffect("DeepSpeed's 1-bit optimizers never correct the bias."),
                        KeyDeclaration.flag("eps_inside_sqrt", false)
                                .doc("Whether eps is added under the root.")
                                .noEffect("DeepSpeed's 1-bit optimizers add it beside the root."),
                        SharedKeys.noAmsgrad(),
                        KeyDeclaration.flag("cuda_aware", false)
                                .doc("Whether the message passing library sees device memory.")
                                .noEffect(communicator),
                        KeyDeclaration.text("comm_backend_name", "nccl")
                                .doc("Through which library ranks talk.")
                                .noEffect(communicator)),
                first.toArray(KeyDeclaration[]::new));
    }

    /** Returns the declaration of the step from which signs are exchanged. */
    static KeyDeclaration freezeStep(String name, String doc) {
        return KeyDeclaration.integer(name, FREEZE).atLeast(FREEZE_LEAST).in("steps").doc(doc);
    }

    static OneBitNumbers.Rule rule(Settings params) {
        return new OneBitNumbers.Rule(
                params.doubleOr("eps", EPS), params.doubleOr("weight_decay", 0));
    }
}
