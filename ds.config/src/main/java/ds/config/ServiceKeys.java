package ds.config;

import static ds.core.KeyDeclaration.any;
import static ds.core.KeyDeclaration.choice;
import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.integers;
import static ds.core.KeyDeclaration.object;
import static ds.core.KeyDeclaration.optionalTexts;
import static ds.core.KeyDeclaration.text;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.List;

/** Tools and services around training: tuner, compiler, checkpoint services, sparse kernels. */
final class ServiceKeys {
    static final String SPARSE = "sparse_attention";

    private static final String WHY = "nothing here implements it.";

    private ServiceKeys() {}

    static List<KeyDeclaration> all() {
        return List.of(autotuning(), compile(), nebula(), datastates(), sparseAttention());
    }

    private static KeyDeclaration autotuning() {
        return Absent.switched(
                "autotuning",
                "Search for settings.",
                flag("fast", true).doc("Tune micro-batches only."),
                text("results_dir", "autotuning_results")
                        .with(Trait.NOT_EMPTY)
                        .doc("Directory of the results."),
                text("exps_dir", "autotuning_exps")
                        .with(Trait.NOT_EMPTY)
                        .doc("Directory of the experiments."),
                flag("overwrite", true).doc("Run experiments again."),
                integer("start_profile_step", 3).in("steps").doc("First step that is measured."),
                integer("end_profile_step", 5).in("steps").doc("Last step that is measured."),
                text("metric", "throughput").doc("What is tuned: throughput, latency or flops."),
                text("metric_path").doc("File of the metric."),
                text("tuner_type", "gridsearch")
                        .doc("How the space is searched: gridsearch, random or model_based."),
                integer("tuner_early_stopping", 5).doc("Experiments without gain before the end."),
                integer("tuner_num_trials", 50).doc("Most experiments."),
                object("arg_mappings", List.of())
                        .with(Trait.OPEN)
                        .nullable()
                        .doc("Options of the user's script, by key."),
                object(
                                "model_info",
                                List.of(
                                        flag("profile", false).doc("Find them by a run."),
                                        integer("num_params").doc("Parameters."),
                                        integer("hidden_size").doc("Width of a layer."),
                                        integer("num_layers").doc("Layers of the model.")))
                        .nullable()
                        .doc("What is known of the model."),
                text("model_info_path").doc("File with what is known of the model."),
                integer("mp_size", 1).doc("Ranks of model parallelism."),
                integer("max_train_batch_size").in("samples").doc("Largest batch."),
                integer("min_train_batch_size", 1).in("samples").doc("Smallest batch."),
                integer("max_train_micro_batch_size_per_gpu", 1024)
                        .in("samples")
                        .doc("Largest micro-batch."),
                integer("min_train_micro_batch_size_per_gpu", 1)
                        .in("samples")
                        .doc("Smallest micro-batch."),
                integer("num_tuning_micro_batch_sizes", 3).doc("Micro-batches that are tried."));
    }

    private static KeyDeclaration compile() {
        return Absent.section(
                "compile",
                "there is no graph compiler.",
                "DeepCompile, a graph compiler.",
                List.of(
                        flag("deepcompile", false)
                                .refused("there is no graph compiler. Remove it.")
                                .doc("Compile the training step."),
                        flag("free_activation", false).doc("Free activations early."),
                        integer("free_activation_threshold", 10_485_760)
                                .in("bytes")
                                .doc("Smallest activation that is freed."),
                        flag("offload_activation", false).doc("Move activations to the host."),
                        flag("offload_activation_pin_memory", true).doc("Pin their memory."),
                        flag("offload_opt_states", false).doc("Move optimizer states."),
                        flag("double_buffer", true).doc("Use two buffers."),
                        flag("symmetric_memory", false).doc("Use symmetric memory."),
                        flag("debug_log", false).doc("Log what the compiler does."),
                        flag("offload_parameters", false).doc("Move parameters to the host."),
                        flag("sync_before_reduce", false).doc("Synchronise before a reduction."),
                        flag("sync_after_reduce", false).doc("Synchronise after a reduction."),
                        flag("sync_before_allgather", false).doc("Synchronise before a gather."),
                        flag("sync_after_allgather", false).doc("Synchronise after a gather."),
                        flag("keep_int_input_tensors", true).doc("Keep integer inputs."),
                        flag("keep_all_input_tensors", false).doc("Keep all inputs."),
                        optionalTexts("passes")
                                .among("z1", "z3", "autosp", "autotp")
                                .doc("Passes that run.")));
    }

    private static KeyDeclaration nebula() {
        return Absent.switched(
                "nebula",
                "Checkpoints through the Nebula service.",
                text("nebula_load_path").doc("Directory to load from."),
                flag("enable_nebula_load", true).doc("Load through the service."),
                text("persistent_storage_path").doc("Directory that lasts."),
                integer("persistent_time_interval", 100).in("seconds").doc("Time between copies."),
                integer("num_of_version_in_retention", 2).doc("Checkpoints that are kept."));
    }

    private static KeyDeclaration datastates() {
        return any("datastates_ckpt")
                .noEffect("there is one checkpoint writer.")
                .doc("Checkpoints through the DataStates engine.");
    }

    private static KeyDeclaration sparseAttention() {
        return object(
                        SPARSE,
                        Absent.verbatim(
                                Absent.idle(
                                        List.of(
                                                choice(
                                                                "mode",
                                                                "fixed",
                                                                List.of(
                                                                        "fixed",
                                                                        "dense",
                                                                        "variable",
                                                                        "bigbird",
                                                                        "bslongformer"))
                                                        .with(Trait.NO_AUTO)
                                                        .doc("Pattern of blocks."),
                                                integer("block", 16)
                                                        .in("tokens")
                                                        .doc("Width of a block."),
                                                flag("different_layout_per_head", false)
                                                        .doc("A pattern per head."),
                                                integer("num_local_blocks", 4)
                                                        .doc("Blocks of a window."),
                                                integer("num_global_blocks", 1)
                                                        .doc("Blocks that all attend to."),
                                                text("attention", "bidirectional")
                                                        .doc("Which tokens are seen."),
                                                flag("horizontal_global_attention", false)
                                                        .doc("Global blocks attend to all."),
                                                integer("num_different_global_patterns", 1)
                                                        .doc("Patterns of global blocks."),
                                                integer("num_random_blocks", 0)
                                                        .doc("Blocks by chance."),
                                                integers("local_window_blocks", 4)
                                                        .doc("Blocks by window."),
                                                integers("global_block_indices", 0)
                                                        .doc("First global blocks."),
                                                any("global_block_end_indices")
                                                        .doc("Last global blocks."),
                                                integer("num_sliding_window_blocks", 3)
                                                        .doc("Blocks of the sliding window.")),
                                        WHY)))
                .with(Trait.OPTIONAL)
                .refused(WHY + " Remove the section.")
                .doc("Block-sparse attention.");
    }
}
