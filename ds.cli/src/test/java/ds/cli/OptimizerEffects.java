package ds.cli;

import static ds.cli.Effect.of;
import static ds.cli.Effect.with;

import ds.core.MemoryKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the settings of optimizers do. */
final class OptimizerEffects {
    private OptimizerEffects() {}

    /** Returns their entries. */
    static List<Effect> all() {
        List<Effect> all = new ArrayList<>();
        for (String type : List.of("adam", "adamw")) {
            Object[] decayed = {
                "optimizer.type", type, "optimizer.params.weight_decay", 0.1,
            };
            String name = "optimizer[" + type + "].";
            all.add(of(name + "lr", 0.01, 0.02, Observed::parameters, decayed));
            all.add(
                    of(
                            name + "betas",
                            List.of(0.9, 0.999),
                            List.of(0.8, 0.99),
                            Observed::parameters,
                            decayed));
            all.add(of(name + "eps", 1e-8, 1e-2, Observed::parameters, decayed));
            all.add(of(name + "weight_decay", 0.0, 0.5, Observed::parameters, decayed));
            all.add(of(name + "bias_correction", true, false, Observed::parameters, decayed));
            all.add(
                    of(
                            name + "amsgrad",
                            false,
                            true,
                            Observed.bytes(1, MemoryKind.OPTIMIZER_STATES),
                            decayed));
            if (type.equals("adam")) {
                all.add(of(name + "adam_w_mode", true, false, Observed::parameters, decayed));
            }
        }
        Object[] heavy = {"optimizer.type", "sgd", "optimizer.params.momentum", 0.9};
        all.add(of("optimizer[sgd].lr", 0.01, 0.02, Observed::parameters, heavy));
        all.add(of("optimizer[sgd].momentum", 0.0, 0.9, Observed::parameters, heavy));
        all.add(of("optimizer[sgd].dampening", 0.0, 0.5, Observed::parameters, heavy));
        all.add(of("optimizer[sgd].nesterov", false, true, Observed::parameters, heavy));
        all.add(of("optimizer[sgd].weight_decay", 0.0, 0.5, Observed::parameters, heavy));
        Object[] summed = {"optimizer.type", "adagrad", "optimizer.params.weight_decay", 0.1};
        all.add(of("optimizer[adagrad].lr", 0.01, 0.02, Observed::parameters, summed));
        all.add(of("optimizer[adagrad].eps", 1e-10, 1e-2, Observed::parameters, summed));
        all.add(of("optimizer[adagrad].weight_decay", 0.0, 0.5, Observed::parameters, summed));
        all.add(of("optimizer[adagrad].lr_decay", 0.0, 0.5, Observed::parameters, summed));
        all.add(
                of(
                        "optimizer[adagrad].initial_accumulator_value",
                        0.0,
                        0.5,
                        Observed::parameters,
                        summed));
        Object[] square = {"optimizer.type", "muon", "optimizer.params.weight_decay", 0.1};
        String muon = "optimizer[muon].";
        all.add(of(muon + "lr", 0.01, 0.02, Observed::parameters, square));
        all.add(of(muon + "muon_lr", 0.01, 0.02, Observed::parameters, square));
        all.add(of(muon + "adam_lr", 0.01, 0.02, Observed::parameters, square));
        all.add(of(muon + "momentum", 0.95, 0.5, Observed::parameters, square));
        all.add(of(muon + "weight_decay", 0.0, 0.5, Observed::parameters, square));
        all.add(of(muon + "ns_method", "gram", "standard", Observed::parameters, square));
        all.add(
                of(
                        muon + "betas",
                        List.of(0.9, 0.95),
                        List.of(0.8, 0.9),
                        Observed::parameters,
                        square));
        all.add(of(muon + "eps", 1e-10, 1e-2, Observed::parameters, square));
        all.addAll(oneBit());
        all.addAll(mup());
        Object[] signed = {"optimizer.type", "lion"};
        all.add(of("optimizer[lion].lr", 0.01, 0.02, Observed::parameters, signed));
        all.add(
                of(
                        "optimizer[lion].betas",
                        List.of(0.9, 0.999),
                        List.of(0.1, 0.1),
                        Observed::parameters,
                        signed));
        all.add(of("optimizer[lion].weight_decay", 0.0, 0.5, Observed::parameters, signed));
        Object[] trusting = {"optimizer.type", "lamb", "optimizer.params.weight_decay", 0.1};
        all.add(of("optimizer[lamb].lr", 0.01, 0.02, Observed::parameters, trusting));
        all.add(
                of(
                        "optimizer[lamb].betas",
                        List.of(0.9, 0.999),
                        List.of(0.8, 0.99),
                        Observed::parameters,
                        trusting));
        all.add(of("optimizer[lamb].eps", 1e-8, 1e-2, Observed::parameters, trusting));
        all.add(of("optimizer[lamb].eps_inside_sqrt", false, true, Observed::parameters, trusting));
        all.add(of("optimizer[lamb].weight_decay", 0.0, 0.5, Observed::parameters, trusting));
        all.add(of("optimizer[lamb].bias_correction", true, false, Observed::parameters, trusting));
        all.add(of("optimizer[lamb].max_coeff", 10.0, 0.02, Observed::parameters, trusting));
        all.add(of("optimizer[lamb].min_coeff", 0.01, 5.0, Observed::parameters, trusting));
        return all;
    }

    private static List<Effect> mup() {
        Map<String, Object> narrow =
                Map.of(
                        "tok", List.of(0, 8),
                        "pos", List.of(0, 8),
                        "*w*", List.of(8, 8),
                        "*", List.of(8));
        Map<String, Object> same =
                Map.of(
                        "tok", List.of(0, 0),
                        "pos", List.of(0, 0),
                        "*w*", List.of(0, 0),
                        "*", List.of(0));
        List<Effect> all = new ArrayList<>();
        for (String type : List.of("muadam", "muadamw", "musgd")) {
            Object[] set = {
                "optimizer.type",
                type,
                "optimizer.params.weight_decay",
                0.1,
                "optimizer.params.base_shapes",
                narrow
            };
            String name = "optimizer[" + type + "].";
            all.add(of(name + "lr", 0.01, 0.02, Observed::parameters, set));
            all.add(of(name + "weight_decay", 0.0, 0.5, Observed::parameters, set));
            all.add(of(name + "decoupled_wd", false, true, Observed::parameters, set));
            all.add(of(name + "base_shapes", narrow, same, Observed::parameters, set));
            if (type.equals("musgd")) {
                Object[] heavy = with(set, "optimizer.params.momentum", 0.9);
                all.add(of(name + "momentum", 0.0, 0.9, Observed::parameters, set));
                all.add(of(name + "dampening", 0.0, 0.5, Observed::parameters, heavy));
                all.add(of(name + "nesterov", false, true, Observed::parameters, heavy));
            } else {
                all.add(
                        of(
                                name + "betas",
                                List.of(0.9, 0.999),
                                List.of(0.8, 0.99),
                                Observed::parameters,
                                set));
                all.add(of(name + "eps", 1e-8, 1e-2, Observed::parameters, set));
                all.add(
                        of(
                                name + "amsgrad",
                                false,
                                true,
                                Observed.bytes(1, MemoryKind.OPTIMIZER_STATES),
                                set));
            }
        }
        return all;
    }

    private static List<Effect> oneBit() {
        List<Effect> all = new ArrayList<>();
        for (String type : List.of("onebitadam", "onebitlamb", "zerooneadam")) {
            String freeze = type.equals("zerooneadam") ? "var_freeze_step" : "freeze_step";
            Object[] set = {
                "optimizer.type",
                type,
                "optimizer.params.weight_decay",
                0.1,
                "optimizer.params." + freeze,
                2
            };
            String name = "optimizer[" + type + "].";
            all.add(of(name + "lr", 0.01, 0.02, Observed::steps, set));
            all.add(
                    of(
                            name + "betas",
                            List.of(0.9, 0.999),
                            List.of(0.8, 0.99),
                            Observed::steps,
                            set));
            all.add(of(name + "eps", 1e-8, 1e-2, Observed::steps, set));
            all.add(of(name + "weight_decay", 0.0, 0.5, Observed::steps, set));
            all.add(of(name + freeze, 2, 4, Observed::steps, set));
            if (type.equals("zerooneadam")) {
                all.add(
                        of(
                                name + "var_update_scaler",
                                1,
                                2,
                                Observed::steps,
                                with(set, "optimizer.params.var_freeze_step", 8)));
                all.add(of(name + "local_step_scaler", 1, 100, Observed::steps, set));
                all.add(
                        of(
                                name + "local_step_clipper",
                                1,
                                4,
                                Observed::steps,
                                with(set, "optimizer.params.local_step_scaler", 1)));
            }
            if (type.equals("onebitlamb")) {
                all.add(of(name + "max_coeff", 10.0, 0.02, Observed::steps, set));
                all.add(of(name + "min_coeff", 0.01, 5.0, Observed::steps, set));
                all.add(of(name + "coeff_beta", 0.9, 0.5, Observed::steps, set));
                all.add(of(name + "factor_max", 4.0, 0.95, Observed::steps, set));
                all.add(of(name + "factor_min", 0.5, 3.0, Observed::steps, set));
                all.add(of(name + "factor_threshold", 0.1, 0.0, Observed::steps, set));
            }
        }
        return all;
    }
}
