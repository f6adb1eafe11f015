package ds.config;

import static ds.core.KeyDeclaration.choice;
import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.object;
import static ds.core.KeyDeclaration.path;
import static ds.core.KeyDeclaration.texts;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.ArrayList;
import java.util.List;

/** The keys of {@code zero_optimization}. */
final class ZeroKeys {
    private static final List<String> DEVICES = List.of("none", "cpu", "nvme");
    static final long PREFETCH_BUCKET_SIZE = 50_000_000;

    private static final String MODEL_ASKS =
            "units are gathered when the model asks for them and released when it is done.";
    private static final String NO_HIERARCHY = "there is one level of ranks. Remove it.";
    private static final String NOT_ASYNC = "the optimizer step is exact and synchronous.";
    private static final String NO_QUANTIZED = "exchanges are exact. Remove it.";

    private ZeroKeys() {}

    static KeyDeclaration section() {
        List<KeyDeclaration> keys = new ArrayList<>(buckets());
        keys.addAll(stage3());
        keys.addAll(gradients());
        keys.addAll(hierarchy());
        keys.addAll(deprecated());
        return object("zero_optimization", keys)
                .doc("ZeRO: which of states, gradients and parameters are spread over the ranks.");
    }

    private static List<KeyDeclaration> buckets() {
        return List.of(
                integer("stage", 0)
                        .atLeast(0)
                        .atMost(3)
                        .doc(
                                "0 spreads nothing, 1 optimizer states, 2 also gradients, 3 also"
                                        + " parameters."),
                flag("contiguous_gradients", true)
                        .noEffect("gradients always live in one flat buffer.")
                        .doc("Copy gradients to a contiguous buffer."),
                flag("reduce_scatter", true)
                        .noEffect("gradients always travel to their owner only.")
                        .doc("Reduce-scatter gradients instead of all-reducing them."),
                integer("reduce_bucket_size", 500_000_000)
                        .atLeast(0)
                        .in("elements")
                        .noEffect("the gradients of a unit are exchanged as one bucket.")
                        .doc("Most gradient elements exchanged at once."),
                flag("use_multi_rank_bucket_allreduce", true)
                        .noEffect("gradients always travel to their owner only.")
                        .doc("One collective for a bucket of several owners."),
                flag("allgather_partitions", true)
                        .noEffect("parameters are always published by an all-gather.")
                        .doc("All-gather updated parameters instead of broadcasting them."),
                integer("allgather_bucket_size", 500_000_000)
                        .atLeast(0)
                        .in("elements")
                        .noEffect(
                                "published parameters need no staging buffer between local ranks.")
                        .doc("Most parameter elements gathered at once."),
                flag("overlap_comm")
                        .noEffect(
                                "an exchange of local ranks is a sum by the cores that compute, made when a unit completes; there is nothing to overlap.")
                        .doc("Overlap exchanges with backward; absent means true at stage 3."),
                flag("load_from_fp32_weights", true)
                        .noEffect("checkpoints always hold the fp32 masters.")
                        .doc("Load masters from fp32 copies."),
                flag("elastic_checkpoint", false)
                        .noEffect("every checkpoint loads at any number of ranks.")
                        .doc("Write checkpoints that load at another number of ranks."),
                OffloadKeys.parameters(),
                OffloadKeys.optimizer(),
                integer("sub_group_size", 1_000_000_000)
                        .atLeast(0)
                        .in("elements")
                        .doc("Most elements of a group that the optimizer steps at once."));
    }

    private static List<KeyDeclaration> stage3() {
        return List.of(
                integer("stage3_prefetch_bucket_size", PREFETCH_BUCKET_SIZE)
                        .alias("prefetch_bucket_size")
                        .atLeast(0)
                        .in("elements")
                        .doc(
                                "Most elements of the units that are read ahead of their use at once where offload_param is on NVMe, but always the next unit; 0 reads none ahead."),
                integer("stage3_param_persistence_threshold", 100_000)
                        .alias("param_persistence_threshold")
                        .atLeast(0)
                        .in("elements")
                        .doc("Units of at most so many elements stay gathered between steps."),
                integer("stage3_model_persistence_threshold", Long.MAX_VALUE)
                        .alias("model_persistence_threshold")
                        .atLeast(0)
                        .in("elements")
                        .noEffect("stage3_max_live_parameters bounds what is gathered.")
                        .doc("Most elements that stay on every rank."),
                integer("stage3_max_live_parameters", 1_000_000_000)
                        .alias("max_live_parameters")
                        .atLeast(0)
                        .in("elements")
                        .doc("Most parameter elements gathered at the same time."),
                integer("stage3_max_reuse_distance", 1_000_000_000)
                        .alias("max_reuse_distance")
                        .atLeast(0)
                        .in("elements")
                        .noEffect(MODEL_ASKS)
                        .doc("Keep a unit that is used again within this many elements."),
                flag("stage3_gather_16bit_weights_on_model_save", false)
                        .alias("gather_16bit_weights_on_model_save")
                        .noEffect("checkpoints are sharded; any rank count reads them whole.")
                        .doc("Save consolidated 16-bit weights."),
                integer("stage3_module_granularity_threshold", 0)
                        .alias("module_granularity_threshold")
                        .noEffect("the model says what a unit is.")
                        .doc("Treat modules below this granularity as one unit."),
                flag("stage3_use_all_reduce_for_fetch_params", false)
                        .alias("use_all_reduce_for_fetch_params")
                        .noEffect("parameters are gathered by an all-gather.")
                        .doc("Gather parameters by an all-reduce."),
                flag("stage3_allgather_sequential", false)
                        .alias("allgather_sequential")
                        .noEffect("units are gathered one after the other.")
                        .doc("Gather parameters one by one."));
    }

    private static List<KeyDeclaration> gradients() {
        return List.of(
                flag("ignore_unused_parameters", true)
                        .noEffect("a unit without gradient is completed with zeros.")
                        .doc("Accept parameters that received no gradient."),
                flag("legacy_stage1", false)
                        .refused("DeepSpeed removed it too. Remove it.")
                        .doc("The first implementation of stage 1."),
                flag("round_robin_gradients", false)
                        .noEffect("the owner of an element reads it where it lies.")
                        .doc("Spread gradient copies over ranks in turn."),
                flag("memory_efficient_linear", true)
                        .noEffect("linear layers keep no copy of gathered weights.")
                        .doc("Linear layers that keep no gathered weights."),
                flag("pipeline_loading_checkpoint", false)
                        .noEffect("a rank reads only what it owns.")
                        .doc("Read checkpoints while loading them."),
                flag("override_module_apply", true)
                        .noEffect("parameters are initialised as shards.")
                        .doc("Let module.apply see partitioned parameters."),
                flag("log_trace_cache_warnings", false)
                        .noEffect("there is no trace: the order of the model's code is the order.")
                        .doc("Warn when the order of modules changes."),
                flag("enable_sanity_checks", false)
                        .noEffect("the checks are always on.")
                        .doc("Check the state of parameters."),
                flag("save_muon_momentum_buffer_in_memory", false)
                        .noEffect(
                                "a matrix's momentum, all that is kept of it, rests with the other states.")
                        .doc("Keep Muon's momentum in memory when offloading."));
    }

    private static List<KeyDeclaration> hierarchy() {
        return List.of(
                integer("zero_hpz_partition_size", 1)
                        .atLeast(0)
                        .refused(NO_HIERARCHY)
                        .doc("Ranks that hold a second copy of the parameters (hpZ)."),
                flag("zero_quantized_weights", false)
                        .refused(NO_QUANTIZED)
                        .doc("Gather parameters quantized (qwZ)."),
                flag("zero_quantized_nontrainable_weights", false)
                        .refused(NO_QUANTIZED)
                        .doc("Keep frozen parameters quantized."),
                flag("zero_quantized_gradients", false)
                        .refused(NO_QUANTIZED)
                        .doc("Exchange gradients quantized (qgZ)."),
                object("zeropp_loco_param", List.of())
                        .with(Trait.OPEN)
                        .nullable()
                        .refused(NO_QUANTIZED)
                        .doc("Error feedback of quantized gradients (LoCo): err_beta, reset_T."),
                integer("mics_shard_size", -1)
                        .refused(NO_HIERARCHY)
                        .doc("Ranks per sharding group (MiCS); -1 is off."),
                flag("mics_hierarchical_params_gather", false)
                        .refused(NO_HIERARCHY)
                        .doc("Gather parameters in two levels (MiCS)."),
                zenflow(),
                leafModule());
    }

    private static KeyDeclaration zenflow() {
        return object(
                        "zenflow",
                        Absent.idle(
                                List.of(
                                        number("topk_ratio", 0.1)
                                                .atLeast(0)
                                                .atMost(1)
                                                .doc("Share of important gradients."),
                                        choice(
                                                        "select_strategy",
                                                        "auto",
                                                        List.of("auto", "step", "epoch"))
                                                .doc("When important gradients are chosen."),
                                        integer("select_interval")
                                                .autoByDefault()
                                                .with(Trait.UNQUOTED)
                                                .in("steps")
                                                .doc("Steps between choices, or auto."),
                                        integer("update_interval")
                                                .autoByDefault()
                                                .with(Trait.UNQUOTED)
                                                .in("steps")
                                                .doc("Steps between full updates, or auto."),
                                        flag("overlap_step", false)
                                                .doc("Overlap the step with compute."),
                                        flag("offload", false).doc("Offload selected states."),
                                        number("auto_ratio", 0.99)
                                                .atLeast(0)
                                                .atMost(1)
                                                .doc("Share of the norm kept."),
                                        integer("full_warm_up_rounds", 0)
                                                .doc("Rounds with full updates."),
                                        number("pt_reserved_cores_perc", 0.5)
                                                .atLeast(0)
                                                .atMost(1)
                                                .doc("Share of cores kept for the framework."),
                                        integer("steps_per_epoch").doc("Steps of an epoch.")),
                                NOT_ASYNC))
                .nullable()
                .refused(NOT_ASYNC + " Remove it.")
                .doc("ZenFlow: asynchronous offloaded updates.");
    }

    private static KeyDeclaration leafModule() {
        return object(
                        "leaf_module",
                        List.of(
                                texts(
                                                "classes",
                                                "transformers.models.mixtral.modeling_mixtral."
                                                        + "MixtralSparseMoeBlock",
                                                "transformers.models.qwen2_moe.modeling_qwen2_moe."
                                                        + "Qwen2MoeSparseMoeBlock",
                                                "transformers.models.qwen3_moe.modeling_qwen3_moe."
                                                        + "Qwen3MoeSparseMoeBlock")
                                        .with(Trait.SET)
                                        .doc("Classes whose instances are one unit."),
                                texts("names").with(Trait.SET).doc("Modules that are one unit."),
                                texts("name_suffixes")
                                        .with(Trait.SET)
                                        .doc("Endings of names of such modules.")))
                .nullable()
                .noEffect("the model says what a unit is.")
                .with(Trait.EMPTY_IF_NULL)
                .doc("Modules that are gathered as a whole.");
    }

    private static List<KeyDeclaration> deprecated() {
        return List.of(
                flag("cpu_offload")
                        .deprecated("Write \"offload_optimizer\": {\"device\": \"cpu\"} instead.")
                        .doc("Old form of offload_optimizer."),
                flag("cpu_offload_param")
                        .deprecated("Write \"offload_param\": {\"device\": \"cpu\"} instead.")
                        .doc("Old form of offload_param."),
                flag("cpu_offload_use_pin_memory")
                        .noEffect("DeepSpeed discards its value too.")
                        .deprecated("Write pin_memory inside offload_optimizer instead.")
                        .doc("Old form of pin_memory; DeepSpeed discards its value."),
                flag("stage3_gather_fp16_weights_on_model_save")
                        .noEffect("its successor has none.")
                        .deprecated("Write stage3_gather_16bit_weights_on_model_save instead.")
                        .doc("Old name of stage3_gather_16bit_weights_on_model_save."));
    }

    /** The keys of {@code offload_param} and {@code offload_optimizer}. */
    static final class OffloadKeys {
        private OffloadKeys() {}

        static KeyDeclaration parameters() {
            return object(
                            "offload_param",
                            List.of(
                                    choice("device", "none", DEVICES)
                                            .doc(
                                                    "Where parameters rest between uses; stage 3 only."),
                                    path("nvme_path").doc("Directory on the NVMe volume."),
                                    integer("buffer_count", 5)
                                            .atLeast(0)
                                            .doc("Most staging buffers per rank on NVMe."),
                                    integer("buffer_size", 100_000_000)
                                            .atLeast(0)
                                            .in("elements")
                                            .doc(
                                                    "Most elements of a staging buffer on NVMe, at least 4 KiB; jvm.chunk_bytes and the longest shard of a unit bound it too."),
                                    integer("max_in_cpu", 1_000_000_000)
                                            .atLeast(0)
                                            .in("elements")
                                            .doc(
                                                    "Most elements of a rank that stay in memory when on NVMe, whole units first to last."),
                                    pinMemory()))
                    .nullable()
                    .doc("Where parameters rest between uses.");
        }

        static KeyDeclaration optimizer() {
            return object(
                            "offload_optimizer",
                            List.of(
                                    choice("device", "none", DEVICES)
                                            .doc("Where optimizer state rests between steps."),
                                    path("nvme_path").doc("Directory on the NVMe volume."),
                                    integer("buffer_count", 4)
                                            .atLeast(0)
                                            .doc("Most staging buffers per rank on NVMe."),
                                    pinMemory(),
                                    flag("pipeline_read", false)
                                            .doc(
                                                    "Read the next chunks of state and gradients on NVMe while one is stepped; on if absent, off where false is written: then each is waited for, through fewer buffers."),
                                    flag("pipeline_write", false)
                                            .doc(
                                                    "Write the last chunk of state on NVMe while the next is stepped; on if absent, off where false is written: then each is written before the next begins."),
                                    flag("fast_init", false)
                                            .doc(
                                                    "Reserve the space of new files of state, which reads as zeros, and write nothing but the masters; else all of it is filled with zeros first. Where backend or file system cannot, the run says so and writes zeros."),
                                    number("ratio", 1.0)
                                            .atLeast(0)
                                            .atMost(1)
                                            .doc(
                                                    "Share of the state that is offloaded, to whole chunks; the rest stays in memory and is written with each commit."),
                                    flag("super_offload", false)
                                            .refused("it needs a Grace Hopper machine. Remove it.")
                                            .doc("SuperOffload."),
                                    number("cpuadam_cores_perc", 0.8)
                                            .atLeast(0)
                                            .atMost(1)
                                            .noEffect("jvm.workers says how many cores compute.")
                                            .doc("Share of cores for the CPU optimizer.")))
                    .nullable()
                    .doc("Where optimizer state rests between steps.");
        }

        private static KeyDeclaration pinMemory() {
            return flag("pin_memory", true)
                    .doc(
                            "Lock what rests in memory, and staging buffers of NVMe, in memory: where it is written, since no accelerator copies from there. If the system refuses, the run says so and goes on.");
        }
    }
}
