package ds.config;

import static ds.core.KeyDeclaration.any;
import static ds.core.KeyDeclaration.choice;
import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.nothing;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.object;
import static ds.core.KeyDeclaration.text;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.List;
import java.util.Optional;

/** Parallelism of other kinds than data: pipelines, tensors, experts, generation. */
final class ParallelKeys {
    private static final String AUTO = "auto";
    private static final String DATA_ONLY = "ranks are data-parallel only.";

    private ParallelKeys() {}

    static List<KeyDeclaration> all() {
        return List.of(pipeline(), tensorParallel(), expertParallel(), hybridEngine());
    }

    private static KeyDeclaration pipeline() {
        return Absent.section(
                        "pipeline",
                        DATA_ONLY,
                        "Settings of pipeline parallelism.",
                        Absent.verbatim(
                                Absent.idle(
                                        List.of(
                                                any("stages", AUTO).doc("Number of stages."),
                                                text("partition", "best")
                                                        .doc("How layers are shared out."),
                                                flag("seed_layers", false).doc("Seed each layer."),
                                                integer("activation_checkpoint_interval", 0)
                                                        .in("layers")
                                                        .doc(
                                                                "Layers between activation checkpoints."),
                                                flag("pipe_partitioned", true)
                                                        .doc("Partition activations."),
                                                flag("grad_partitioned", true)
                                                        .doc("Partition their gradients.")),
                                        DATA_ONLY)))
                .with(Trait.OPEN);
    }

    private static KeyDeclaration tensorParallel() {
        return Absent.section(
                "tensor_parallel",
                DATA_ONLY,
                "Tensor parallelism.",
                List.of(
                        integer("autotp_size", 0)
                                .refused("ranks are data-parallel only. Remove it.")
                                .doc("Ranks that share one layer."),
                        flag("tp_overlap_comm", false).doc("Overlap its exchanges."),
                        object(
                                        "tp",
                                        List.of(
                                                integer("tp_size", 1).doc("Ranks of a group."),
                                                integer("tp_grain_size", 1)
                                                        .doc("Smallest share of a dimension."),
                                                any("mpu").doc("Object that knows the groups."),
                                                any("tp_group").doc("Group of ranks.")))
                                .alias("tensor_parallel")
                                .doc("The group of ranks."),
                        text("preset_model").doc("Model whose layers are known."),
                        object(
                                        "partition_config",
                                        List.of(
                                                flag("use_default_specs", true)
                                                        .doc("Keep the known layers."),
                                                any("layer_specs").doc("How layers are split."),
                                                any("strict_mode").doc("Refuse unknown layers."),
                                                any("lm_head_patterns").doc("Names of the head."),
                                                any("embedding_partition_dim")
                                                        .doc("Dimension of embeddings.")))
                                .with(Trait.OPEN)
                                .nullable()
                                .doc("How the layers are split."),
                        any("injection_policy_tuple").doc("Layers to replace."),
                        flag("keep_module_on_host", false).doc("Keep the model in host memory."),
                        flag("kernel_inject", false)
                                .alias("replace_with_kernel_inject")
                                .doc("Replace layers by kernels."),
                        nothing("dtype", Optional.of("fp16"))
                                .doc("A torch.dtype, which no JSON value is.")));
    }

    private static KeyDeclaration expertParallel() {
        return Absent.switched(
                        "expert_parallel",
                        "Experts spread over ranks.",
                        integer("autoep_size", 1).doc("Ranks that share the experts."),
                        integer("expert_tensor_parallel_size", 1).doc("Ranks of one expert."),
                        flag("validate_folding_routing", false).doc("Check the routing."),
                        text("preset_model").doc("Model whose experts are known."),
                        text("moe_layer_pattern").doc("Names of the layers."),
                        text("expert_pattern").doc("Names of the experts."),
                        text("router_pattern").doc("Names of the routers."),
                        flag("use_grouped_mm", true).doc("One product for all experts."),
                        flag("disable_triton_grouped_mm", false).doc("Leave Triton out."),
                        flag("route_norm").doc("Normalise the scores."),
                        number("route_scale", 1.0).doc("Factor of the scores."),
                        choice("score_apply", AUTO, List.of(AUTO, "pre", "post"))
                                .doc("When scores are applied."),
                        choice("combine_impl", AUTO, List.of(AUTO, "weighted_sum", "legacy_bmm"))
                                .doc("How results are added."),
                        integer("num_expert_groups").doc("Groups of experts."),
                        integer("num_limited_groups").doc("Groups a token may visit."),
                        choice("score_func", AUTO, List.of(AUTO, "softmax", "sigmoid"))
                                .doc("Function of the scores."),
                        any("top_k", AUTO).doc("Experts per token."),
                        nothing("load_balance_coeff", Optional.empty())
                                .with(Trait.NO_AUTO)
                                .doc("Weight of balancing; only null is allowed."),
                        any("routed_scaling_factor", AUTO).doc("Factor of results."),
                        text("expert_w1").doc("Name of the first matrix."),
                        text("expert_w2").doc("Name of the second matrix."),
                        text("expert_w3").doc("Name of the third matrix; null says none."),
                        text("num_experts_attr").doc("Attribute with their number."),
                        text("top_k_attr").doc("Attribute with the experts per token."),
                        flag("has_shared_experts").doc("Whether some see every token."),
                        text("shared_experts_pattern").doc("Names of those."),
                        text("shared_experts_gate_pattern").doc("Names of their gates."))
                .with(Trait.EMPTY_IF_NULL);
    }

    private static KeyDeclaration hybridEngine() {
        return Absent.switched(
                "hybrid_engine",
                "Training and generation in turn.",
                integer("max_out_tokens", 512).in("tokens").doc("Longest generation."),
                integer("inference_tp_size", 1).doc("Ranks that share a layer."),
                flag("release_inference_cache", false).doc("Free the cache after generating."),
                flag("pin_parameters", true).doc("Pin parameters."),
                integer("tp_gather_partition_size", 8).doc("Layers gathered at once."),
                flag("enable_cuda_graph", false).doc("Record CUDA graphs."));
    }
}
