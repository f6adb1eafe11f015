package ds.config;

import static ds.core.KeyDeclaration.choice;
import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.integer;
import static ds.core.KeyDeclaration.list;
import static ds.core.KeyDeclaration.number;
import static ds.core.KeyDeclaration.object;
import static ds.core.KeyDeclaration.optionalTexts;
import static ds.core.KeyDeclaration.path;
import static ds.core.KeyDeclaration.text;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import java.util.ArrayList;
import java.util.List;

/**
 * Every key of a configuration, declared once. The reader, the validator, {@code ds config explain}
 * and the resolved document all walk this one list.
 */
final class KeyTable {
    /** The keys of the document itself. */
    static final List<KeyDeclaration> ROOT = root();

    private KeyTable() {}

    private static List<KeyDeclaration> root() {
        List<KeyDeclaration> keys = new ArrayList<>(batch());
        keys.addAll(training());
        keys.addAll(PrecisionKeys.all());
        keys.add(ZeroKeys.section());
        keys.addAll(SystemKeys.all());
        keys.add(ElasticKeys.section());
        keys.addAll(ParallelKeys.all());
        keys.addAll(DataKeys.all());
        keys.addAll(CompressionKeys.all());
        keys.addAll(ServiceKeys.all());
        keys.add(jvm());
        return List.copyOf(keys);
    }

    private static List<KeyDeclaration> batch() {
        return List.of(
                integer("train_batch_size")
                        .atLeast(1)
                        .with(Trait.UNQUOTED)
                        .in("samples")
                        .doc(
                                "Samples per optimizer step over all ranks: micro batch x accumulation"
                                        + " x ranks. Any one or two of the three give the rest."),
                integer("train_micro_batch_size_per_gpu")
                        .atLeast(1)
                        .with(Trait.UNQUOTED)
                        .in("samples")
                        .doc("Samples per forward pass on one rank."),
                integer("gradient_accumulation_steps")
                        .atLeast(1)
                        .with(Trait.UNQUOTED)
                        .in("micro-steps")
                        .doc("Forward and backward passes per optimizer step."));
    }

    private static List<KeyDeclaration> training() {
        return List.of(
                object(
                                "optimizer",
                                List.of(
                                        text("type")
                                                .doc(
                                                        "Name of the optimizer, in any case, such as"
                                                                + " AdamW."),
                                        object("params", List.of())
                                                .with(Trait.OPEN)
                                                .nullable()
                                                .doc("Settings of the optimizer, declared by it."),
                                        flag("legacy_fusion", false)
                                                .with(Trait.VERBATIM)
                                                .noEffect(
                                                        "it chooses between CUDA kernels; here there"
                                                                + " is one kernel.")
                                                .doc("DeepSpeed's older fused kernel.")))
                        .doc("The optimizer and its settings."),
                object(
                                "scheduler",
                                List.of(
                                        text("type").doc("Name of the schedule, such as WarmupLR."),
                                        object("params", List.of())
                                                .with(Trait.OPEN)
                                                .nullable()
                                                .doc("Settings of the schedule, declared by it.")))
                        .doc("The learning-rate schedule and its settings."),
                number("gradient_clipping", 1.0)
                        .atLeast(0)
                        .doc("Largest L2 norm of the averaged gradient; 0 turns clipping off."),
                flag("prescale_gradients", false)
                        .doc("Divide gradients by the ranks before they travel."),
                number("gradient_predivide_factor", 1.0)
                        .with(Trait.VERBATIM)
                        .doc("Factor divided out before the sum and multiplied back after it."),
                choice("gradient_allreduce_op", "mean", List.of("mean", "sum"))
                        .with(Trait.ANY_CASE)
                        .with(Trait.NO_AUTO)
                        .doc("Whether gradients of the ranks are averaged or added."),
                choice("communication_data_type", List.of("fp32", "fp16", "bf16"))
                        .with(Trait.ANY_CASE)
                        .with(Trait.NO_AUTO)
                        .nullable()
                        .doc("Data type in which gradients travel between ranks."),
                choice(
                                "seq_parallel_communication_data_type",
                                "fp32",
                                List.of("fp32", "fp16", "bf16"))
                        .with(Trait.ANY_CASE)
                        .with(Trait.NO_AUTO)
                        .noEffect("there is no sequence parallelism.")
                        .doc("Data type of sequence-parallel exchanges."),
                flag("sparse_gradients", false)
                        .refused("gradients are dense. Remove it.")
                        .doc("Exchange embedding gradients as sparse tensors."),
                flag("managed_gradient_accumulation", true)
                        .with(Trait.VERBATIM)
                        .refused("the engine owns accumulation. Remove it.")
                        .doc("Whether the engine accumulates gradients."),
                flag("disable_allgather", false)
                        .noEffect("parameters are always published by an all-gather.")
                        .doc("Broadcast parameters instead of gathering them."),
                integer("allgather_size", 500_000_000)
                        .atLeast(0)
                        .in("elements")
                        .with(Trait.UNREAD)
                        .noEffect("it belongs to the old form \"zero_optimization\": true.")
                        .doc("Old spelling of zero_optimization.allgather_bucket_size."),
                flag("zero_allow_untested_optimizer", false)
                        .with(Trait.VERBATIM)
                        .noEffect(
                                "every optimizer works at every stage: the runtime owns its memory.")
                        .doc("Allow optimizers that DeepSpeed has not tested with ZeRO."),
                flag("zero_force_ds_cpu_optimizer", true)
                        .noEffect("the optimizer that is named is the one that runs.")
                        .doc("Insist on DeepSpeed's CPU optimizer when offloading."),
                integer("sequence_parallel_size", 1)
                        .with(Trait.UNQUOTED)
                        .atLeast(1)
                        .refused("ranks are data-parallel only. Remove it.")
                        .doc("Ranks that share one sequence."),
                integer("data_parallel_size")
                        .with(Trait.UNREAD)
                        .atLeast(1)
                        .noEffect("every rank is data-parallel; --world-size says how many.")
                        .doc("Ranks that hold different samples."),
                integer("vocabulary_size")
                        .noEffect("the model says how large its vocabulary is.")
                        .doc("Vocabulary size, for an alignment hint."),
                flag("use_data_before_expert_parallelism", false)
                        .noEffect("there is no expert parallelism.")
                        .doc("Order of ranks with expert parallelism."),
                flag("dataloader_drop_last", false)
                        .with(Trait.VERBATIM)
                        .noEffect("a batch is always whole: the data wraps around.")
                        .doc("Drop the last batch if it is not full."),
                flag("graph_harvesting", false)
                        .noEffect("it records CUDA graphs; this is a CPU runtime.")
                        .doc("Record CUDA graphs of the optimizer step."));
    }

    private static KeyDeclaration jvm() {
        return object(
                        "jvm",
                        List.of(
                                choice("unknown_keys", "error", List.of("error", "warn"))
                                        .doc(
                                                "Whether a key nobody declared is an error or a warning."),
                                choice("reduction", "ordered", List.of("ordered", "fast"))
                                        .refused(
                                                "only the ordered sum exists, which gives the same bits"
                                                        + " at every stage and rank count. Remove it.")
                                        .doc("How gradients of the micro-batches are added."),
                                integer("chunk_bytes", 32L << 20)
                                        .atLeast(4096)
                                        .atMost(1L << 30)
                                        .in("bytes")
                                        .doc("Most optimizer state moved through memory at once."),
                                choice("pipeline_wait", "block", List.of("block", "yield"))
                                        .doc("How threads of the offload pipeline wait for work."),
                                integer("workers")
                                        .alias("threads")
                                        .atLeast(1)
                                        .atMost(4096)
                                        .doc(
                                                "Compute threads per rank; absent means processor cores"
                                                        + " divided by local ranks."),
                                text("kernels", "host")
                                        .doc(
                                                "What computes: host, openblas (fp32 matrix products by"
                                                        + " libopenblas.so.0; other bits) or a plug-in's"
                                                        + " name."),
                                integer("seed", 42)
                                        .doc("Seed of initial values, data order and dropout."),
                                flag("stochastic_rounding", false)
                                        .doc(
                                                "Round bf16 masters up or down by chance, so that small"
                                                        + " changes are kept on average."),
                                flag("crash_consistent", true)
                                        .doc(
                                                "Keep optimizer state on NVMe in generations with a journal, so"
                                                        + " that a crash loses no commit; false writes it in"
                                                        + " place, and a crash costs it."),
                                integer("commit_every_steps", 1)
                                        .atLeast(1)
                                        .atMost(Integer.MAX_VALUE)
                                        .in("steps")
                                        .doc(
                                                "Steps from one commit of state on NVMe to the next: what a"
                                                        + " crash costs at most."),
                                integer("generations", 2)
                                        .atLeast(2)
                                        .atMost(3)
                                        .doc(
                                                "How often each extent of state on NVMe is there; with 3 the"
                                                        + " commit before the last is whole too."),
                                optionalTexts("nvme_paths")
                                        .with(Trait.NOT_EMPTY)
                                        .with(Trait.NO_AUTO)
                                        .doc(
                                                "Directories on several NVMe volumes, instead of nvme_path:"
                                                        + " all files lie in all of them, in stripes by"
                                                        + " measured bandwidth; the first holds the"
                                                        + " journal."),
                                text("storage_backend", "auto")
                                        .doc(
                                                "What opens files on NVMe: channel, mapped, libaio, io_uring or"
                                                        + " a plug-in's name; auto takes the first that can run"
                                                        + " there, and ds plan says why."),
                                text("state_codec", "fp32")
                                        .doc(
                                                "How the optimizer's slots rest where they are offloaded: fp32,"
                                                        + " bf16 (half of the bytes), int8_block (a quarter) or"
                                                        + " a plug-in's name; masters rest in fp32 always."),
                                choice("offload_gradients", "none", List.of("none", "nvme"))
                                        .doc(
                                                "Where gradients rest from the backward pass to the step:"
                                                        + " nvme is beside the optimizer state, at stages 2"
                                                        + " and 3."),
                                object(
                                                "journal",
                                                List.of(
                                                        text("type", "jsonl")
                                                                .doc(
                                                                        "What keeps it: jsonl or a plug-in's"
                                                                                + " name."),
                                                        path("path")
                                                                .doc(
                                                                        "The file; it is appended to.")))
                                        .doc(
                                                "Where every boundary of the run is noted, for other"
                                                        + " processes to follow."),
                                list("parameter_groups")
                                        .doc(
                                                "Parameters with settings of their own: objects with conditions"
                                                        + " (name, dimensions, tag, layer) and lr, lr_multiplier,"
                                                        + " weight_decay, betas or frozen; the first that fits"
                                                        + " holds.")))
                .doc("Settings that only this runtime has; DeepSpeed ignores them.");
    }
}
