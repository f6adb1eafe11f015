package ds.config;

import static ds.core.KeyDeclaration.any;
import static ds.core.KeyDeclaration.choice;
import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.object;
import static ds.core.KeyDeclaration.text;
import static ds.core.KeyDeclaration.texts;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.ArrayList;
import java.util.List;

/** Compression during training and quantized weights. */
final class CompressionKeys {
    static final String SECTION = "compression_training";

    private static final String WHY = "nothing here implements it.";
    private static final List<String> QUANTIZERS = List.of("symmetric", "asymmetric");

    private CompressionKeys() {}

    static List<KeyDeclaration> all() {
        return List.of(compressionTraining(), quantizeTraining(), weightQuantization());
    }

    private static KeyDeclaration compressionTraining() {
        return Absent.section(
                SECTION,
                WHY,
                "Quantization and pruning during training.",
                List.of(
                        weights(),
                        activations(),
                        sparse(),
                        pruning("row_pruning", "l1", "Rows of weight matrices.", List.of()),
                        pruning(
                                "head_pruning",
                                "topk",
                                "Attention heads.",
                                List.of(integer("num_heads").doc("Heads of the model."))),
                        pruning("channel_pruning", "l1", "Channels of convolutions.", List.of()),
                        layerReduction()));
    }

    private static KeyDeclaration weights() {
        List<KeyDeclaration> shared =
                List.of(
                        flag("quantizer_kernel", false).doc("Use the CUDA kernel."),
                        offset(0),
                        integer("quantize_groups", 1).doc("Groups of one matrix."),
                        flag("quantize_verbose", false).doc("Print what is quantized."),
                        word("quantization_type", "symmetric", QUANTIZERS).doc("Kind of scale."),
                        word("rounding", "nearest", List.of("nearest", "stochastic"))
                                .doc("How a value is rounded."),
                        flag("quantize_weight_in_forward", false).doc("Quantize in forward."),
                        object(
                                        "fp16_mixed_quantize",
                                        List.of(
                                                flag("enabled", false).doc("Turn it on."),
                                                number("quantize_change_ratio", 0.001)
                                                        .doc("Change of the mix per step.")))
                                .doc("A mix of fp16 and quantized weights."));
        return technique(
                "weight_quantization",
                "Quantize weights during training.",
                shared,
                List.of(
                        integer("start_bits").required().in("bits").doc("Bits at the start."),
                        integer("target_bits").required().in("bits").doc("Bits at the end."),
                        integer("quantization_period", 1).in("steps").doc("Steps per bit.")));
    }

    private static KeyDeclaration activations() {
        return technique(
                "activation_quantization",
                "Quantize activations during training.",
                List.of(
                        word("quantization_type", "symmetric", QUANTIZERS).doc("Kind of scale."),
                        word("range_calibration", "dynamic", List.of("dynamic", "static"))
                                .doc("How the range is found."),
                        offset(1000)),
                List.of(integer("bits").required().in("bits").doc("Bits of a value.")));
    }

    private static KeyDeclaration sparse() {
        return technique(
                "sparse_pruning",
                "Prune single weights during training.",
                List.of(
                        word("method", "l1", List.of("l1", "topk", "snip_momentum"))
                                .doc("How weights are chosen."),
                        offset(1000),
                        text("block_pattern", "4x1").doc("Block that is kept or pruned."),
                        number("dense_ratio", 0.1)
                                .above(0)
                                .below(1)
                                .doc("Share that is kept, for snip_momentum."),
                        integer("schedule_offset_stride", 1).in("steps").doc("Steps of one prune."),
                        texts("excluded_modules").doc("Modules that are left alone."),
                        integer("schedule_offset_end").in("steps").doc("Last step of pruning.")),
                List.of(denseRatio()));
    }

    private static KeyDeclaration pruning(
            String name, String method, String doc, List<KeyDeclaration> more) {
        List<KeyDeclaration> shared = new ArrayList<>();
        shared.add(word("method", method, List.of("l1", "topk")).doc("How they are chosen."));
        shared.add(offset(1000));
        shared.addAll(more);
        return technique(name, doc, shared, List.of(denseRatio()));
    }

    private static KeyDeclaration word(String name, String usual, List<String> words) {
        return choice(name, usual, words).with(Trait.NO_AUTO);
    }

    private static KeyDeclaration denseRatio() {
        return number("dense_ratio").required().doc("Share that is kept.");
    }

    private static KeyDeclaration offset(long steps) {
        return integer("schedule_offset", steps).in("steps").doc("Step at which it begins.");
    }

    private static KeyDeclaration technique(
            String name, String doc, List<KeyDeclaration> shared, List<KeyDeclaration> params) {
        List<KeyDeclaration> all = new ArrayList<>();
        all.add(flag("enabled", false).refused(WHY + " Remove the section.").doc("Turn it on."));
        all.addAll(shared);
        KeyDeclaration groups =
                object(
                                "different_groups",
                                List.of(
                                        object("params", params).required().doc("Its settings."),
                                        any("modules").doc("Modules it is about; \"*\" is all."),
                                        any("related_modules").doc("Modules that change with it.")))
                        .with(Trait.NAMED)
                        .required()
                        .doc("Groups of modules, each with settings of its own.");
        KeyDeclaration common = object("shared_parameters", all).doc("Settings of all groups.");
        return object(name, List.of(common, groups)).doc(doc);
    }

    private static KeyDeclaration layerReduction() {
        return object(
                        "layer_reduction",
                        List.of(
                                flag("enabled", false)
                                        .refused(WHY + " Remove the section.")
                                        .doc("Turn it on."),
                                integer("keep_number_layer").doc("Layers that are kept."),
                                text("module_name_prefix").doc("Name of the layers."),
                                any("teacher_layer").doc("Layers of the teacher."),
                                any("other_module_name").doc("Modules that are copied too.")))
                .with(Trait.OPEN)
                .doc("Start from some of the layers of a trained model.");
    }

    private static KeyDeclaration quantizeTraining() {
        return object(
                        "quantize_training",
                        List.of(
                                object(
                                                "eigenvalue",
                                                Absent.idle(
                                                        List.of(
                                                                flag("enabled", false)
                                                                        .doc("Turn it on."),
                                                                flag("verbose", false)
                                                                        .doc("Print them."),
                                                                integer("max_iter", 100)
                                                                        .doc("Most iterations."),
                                                                number("tol", 0.01)
                                                                        .doc("Tolerance."),
                                                                number("stability", 1e-6)
                                                                        .doc("Added to a norm."),
                                                                integer(
                                                                                "gas_boundary_resolution",
                                                                                1)
                                                                        .in("steps")
                                                                        .doc(
                                                                                "Steps between two estimates."),
                                                                text(
                                                                                "layer_name",
                                                                                "bert.encoder.layer")
                                                                        .doc("Name of a layer."),
                                                                integer("layer_num", 0)
                                                                        .doc(
                                                                                "Layers of the model.")),
                                                        WHY))
                                        .noEffect(WHY)
                                        .doc("Eigenvalues of the Hessian, per layer.")))
                .with(Trait.UNREAD)
                .noEffect("DeepSpeed took this section out of use, and it is not here. Remove it.")
                .doc("Quantization guided by eigenvalues.");
    }

    private static KeyDeclaration weightQuantization() {
        return object(
                        "weight_quantization",
                        Absent.idle(
                                List.of(
                                        flag("enabled", true)
                                                .doc("Turn it off although the section is there."),
                                        integer("num_bits", 8).in("bits").doc("Bits of a weight."),
                                        choice("q_type", "symmetric", QUANTIZERS)
                                                .doc("Kind of scale."),
                                        integer("q_groups", 1).doc("Groups of one matrix."),
                                        object("quantized_initialization", List.of())
                                                .with(Trait.OPEN)
                                                .doc("Quantize while the model is made."),
                                        object("post_init_quant", List.of())
                                                .with(Trait.OPEN)
                                                .doc("Quantize after the model is made.")),
                                WHY))
                .with(Trait.OPTIONAL)
                .refused(WHY + " Remove the section.")
                .doc("Quantized weights for inference.");
    }
}
