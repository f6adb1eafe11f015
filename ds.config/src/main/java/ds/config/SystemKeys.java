package ds.config;

import static ds.core.KeyDeclaration.choice;
import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.list;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.object;
import static ds.core.KeyDeclaration.text;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.List;

/** The keys about input and output, recomputation, logs and monitors. */
final class SystemKeys {
    private static final String METRICS =
            "there is no such monitor yet. Use ds train --metrics, which writes JSON lines.";

    private SystemKeys() {}

    static List<KeyDeclaration> all() {
        return List.of(
                integer("steps_per_print")
                        .in("steps")
                        .doc("Steps between progress lines; absent leaves it to the command line."),
                flag("dump_state", false)
                        .with(Trait.VERBATIM)
                        .noEffect("ds plan prints the whole state of a run.")
                        .doc("Print the state of the engine."),
                flag("wall_clock_breakdown", false)
                        .with(Trait.NO_AUTO)
                        .with(Trait.UNQUOTED)
                        .doc("Say with each line of progress where the time of the step went."),
                flag("memory_breakdown", false)
                        .noEffect("ds plan prints bytes per rank and kind.")
                        .doc("Print memory use."),
                text("log_level")
                        .with(Trait.VERBATIM)
                        .noEffect("the JVM's own logging configuration decides.")
                        .doc("Level of the log: debug, info, warning, error or critical."),
                aio(),
                activationCheckpointing(),
                checkpoint(),
                tensorboard("tensorboard", "TensorBoard event files."),
                tensorboard("csv_monitor", "One CSV file per metric."),
                wandb(),
                comet(),
                commsLogger(),
                flopsProfiler(),
                timers());
    }

    private static KeyDeclaration aio() {
        return object(
                        "aio",
                        Absent.verbatim(
                                List.of(
                                        integer("block_size", 1_048_576)
                                                .with(Trait.VERBATIM)
                                                .in("bytes")
                                                .doc(
                                                        "Bytes of one request to the kernel (io_uring,"
                                                                + " libaio): a multiple of 4096."),
                                        integer("queue_depth", 8)
                                                .with(Trait.VERBATIM)
                                                .doc(
                                                        "Requests with the kernel at once, per file"
                                                                + " (io_uring, libaio)."),
                                        integer("intra_op_parallelism", 1)
                                                .with(Trait.VERBATIM)
                                                .doc(
                                                        "Threads per file of the backends that have"
                                                                + " threads (channel, mapped)."),
                                        flag("single_submit", false)
                                                .with(Trait.VERBATIM)
                                                .doc(
                                                        "Submit requests one by one (io_uring,"
                                                                + " libaio)."),
                                        flag("overlap_events", true)
                                                .with(Trait.VERBATIM)
                                                .doc(
                                                        "Submit while others are under way (io_uring,"
                                                                + " libaio)."),
                                        flag("use_gds", false)
                                                .refused(
                                                        "GPUDirect Storage needs a CUDA device. Remove it.")
                                                .doc("Move data from NVMe to the GPU directly."))))
                .with(Trait.EMPTY_IF_NULL)
                .doc("Asynchronous file access of the offload.");
    }

    private static KeyDeclaration activationCheckpointing() {
        String oneRank = "activations belong to one rank and stay in host memory.";
        return object(
                        "activation_checkpointing",
                        List.of(
                                flag("partition_activations", false)
                                        .noEffect(oneRank)
                                        .doc("Spread kept activations over model-parallel ranks."),
                                flag("contiguous_memory_optimization", false)
                                        .noEffect("activations always lie in one workspace.")
                                        .doc("Keep activations contiguous."),
                                flag("cpu_checkpointing", false)
                                        .noEffect(oneRank)
                                        .doc("Keep activations in host memory."),
                                integer("number_checkpoints")
                                        .atLeast(Integer.MIN_VALUE)
                                        .atMost(Integer.MAX_VALUE)
                                        .noEffect("the model says which units are recomputed.")
                                        .doc("Activation checkpoints of the model."),
                                flag("synchronize_checkpoint_boundary", false)
                                        .noEffect("it is about CUDA streams.")
                                        .doc("Synchronise the device at each boundary."),
                                flag("profile", false)
                                        .noEffect("profiles come from JDK Flight Recorder.")
                                        .doc("Time recomputation.")))
                .doc("Recompute activations in backward instead of keeping them.");
    }

    private static KeyDeclaration checkpoint() {
        return object(
                        "checkpoint",
                        List.of(
                                choice("tag_validation", "WARN", List.of("IGNORE", "WARN", "FAIL"))
                                        .with(Trait.ANY_CASE)
                                        .noEffect("the engine writes one tag for all ranks.")
                                        .doc("Whether all ranks must name the same tag."),
                                flag("load_universal", false)
                                        .with(Trait.VERBATIM)
                                        .noEffect("every checkpoint loads at any number of ranks.")
                                        .doc("Load a universal checkpoint."),
                                flag("use_node_local_storage", false)
                                        .with(Trait.VERBATIM)
                                        .noEffect("all ranks write to one directory.")
                                        .doc("Each node keeps its own shards."),
                                object(
                                                "parallel_write",
                                                List.of(
                                                        flag("pipeline_stage", false)
                                                                .with(Trait.UNQUOTED)
                                                                .noEffect("there are no stages.")
                                                                .doc("Stages write in parallel.")))
                                        .doc("Parallel writing."),
                                flag("checkpoint_serialization", true)
                                        .with(Trait.VERBATIM)
                                        .noEffect("there is one checkpoint format.")
                                        .doc("Use the serialised format."),
                                writer()))
                .doc("How DeepSpeed writes checkpoints.");
    }

    private static KeyDeclaration writer() {
        String why = "there is one checkpoint writer.";
        return object(
                        "writer",
                        Absent.idle(
                                List.of(
                                        choice("type", "FAST", List.of("MOCK", "PYTHON", "FAST"))
                                                .with(Trait.ANY_CASE)
                                                .nullable()
                                                .doc("Which writer."),
                                        integer("io_buffer_size", 67_108_864)
                                                .in("bytes")
                                                .doc("Size of its buffer."),
                                        flag("io_buffer_double", true).doc("Use two buffers."),
                                        flag("show_statistics", false).doc("Print its speed."),
                                        choice(
                                                        "data_parallel",
                                                        List.of("REPLICA", "SOCKET", "MACHINE"))
                                                .with(Trait.ANY_CASE)
                                                .nullable()
                                                .doc("Which ranks share the writing."),
                                        flag("decoupled", false).doc("Write while training."),
                                        integer("io_multiplier", 1).doc("Writers per rank.")),
                                why))
                .nullable()
                .noEffect(why)
                .doc("DeepSpeed's checkpoint writer.");
    }

    private static KeyDeclaration tensorboard(String name, String doc) {
        return Absent.switched(
                name,
                METRICS,
                doc,
                text("output_path", "").doc("Directory of the files."),
                text("job_name", "DeepSpeedJobName").doc("Name of the run."));
    }

    private static KeyDeclaration wandb() {
        return Absent.switched(
                "wandb",
                METRICS,
                "Weights & Biases.",
                text("group").doc("Group of the run."),
                text("team").doc("Team of the run."),
                text("project", "deepspeed").doc("Project of the run."));
    }

    private static KeyDeclaration comet() {
        return Absent.switched(
                "comet",
                METRICS,
                "Comet experiment tracking.",
                integer("samples_log_interval", 100).in("samples").doc("Samples between reports."),
                text("project").doc("Project of the run."),
                text("workspace").doc("Workspace of the run."),
                text("api_key").doc("Key of the account."),
                text("experiment_name").doc("Name of the run."),
                text("experiment_key").doc("Key of the run."),
                flag("online").doc("Report at once."),
                text("mode").doc("How the run is opened."));
    }

    private static KeyDeclaration commsLogger() {
        return Absent.section(
                "comms_logger",
                "ds plan and the metrics count every exchange.",
                "Log of collectives.",
                List.of(
                        flag("enabled", false).doc("Log collectives."),
                        flag("verbose", false).doc("Log each call."),
                        flag("prof_all", true).doc("Log all operations."),
                        flag("debug", false).doc("Log call sites."),
                        list("prof_ops").doc("Operations to log.")));
    }

    private static KeyDeclaration flopsProfiler() {
        return Absent.section(
                "flops_profiler",
                "ds bench train and the metrics report FLOPs.",
                "Profile of floating-point operations.",
                List.of(
                        flag("enabled", false)
                                .with(Trait.UNQUOTED)
                                .doc("Count floating-point operations."),
                        number("recompute_fwd_factor", 0).doc("Cost of recomputation."),
                        integer("profile_step", 1).doc("Step to profile."),
                        integer("module_depth", -1).doc("Depth of the report."),
                        integer("top_modules", 1).doc("Modules in the report."),
                        flag("detailed", true).doc("Report every module."),
                        text("output_file").doc("File of the report.")));
    }

    private static KeyDeclaration timers() {
        return object(
                        "timers",
                        List.of(
                                object(
                                                "throughput",
                                                List.of(
                                                        flag("enabled", true)
                                                                .noEffect(
                                                                        "throughput is always in the metrics.")
                                                                .doc("Measure throughput."),
                                                        flag("synchronized", true)
                                                                .noEffect(
                                                                        "it is about CUDA streams.")
                                                                .doc(
                                                                        "Synchronise the device first.")))
                                        .doc("Throughput timer.")))
                .doc("Timers of the engine.");
    }
}
