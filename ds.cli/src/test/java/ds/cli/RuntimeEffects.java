package ds.cli;

import static ds.cli.Effect.of;
import static ds.cli.Effect.with;
import static ds.cli.Trial.ABSENT;

import ds.config.CheckOptions;
import ds.config.DsConfig;
import ds.core.MemoryKind;
import java.util.List;
import java.util.Map;

/** What the keys about input and output and those of this runtime do. */
final class RuntimeEffects {
    private RuntimeEffects() {}

    /** Returns their entries. */
    static List<Effect> all() {
        String zero = "zero_optimization.";
        Object[] statesOnNvme = {
            zero + "stage",
            1,
            "optimizer.type",
            "AdamW",
            zero + "offload_optimizer.device",
            "nvme",
            zero + "offload_optimizer.nvme_path",
            new Trial.Below("a"),
        };
        return List.of(
                of("steps_per_print", 2, 3, Trial::progressLines),
                of("wall_clock_breakdown", false, true, Trial::timeLines),
                of(
                        "jvm.unknown_keys",
                        "error",
                        "warn",
                        trial -> DsConfig.check(trial.config(), CheckOptions.none()).isOk(),
                        "gradient_cliping",
                        1),
                of(
                        "jvm.chunk_bytes",
                        16_384,
                        32_768,
                        Observed.bytes(1, MemoryKind.STAGING),
                        statesOnNvme),
                of("jvm.crash_consistent", false, true, Observed::bytesAtRest, statesOnNvme),
                of("jvm.generations", 2, 3, Observed::bytesAtRest, statesOnNvme),
                of(
                        "jvm.nvme_paths",
                        List.of(new Trial.Below("a"), new Trial.Below("b")),
                        List.of(new Trial.Below("a"), new Trial.Below("c")),
                        Trial::filledDirectories,
                        with(
                                statesOnNvme,
                                zero + "offload_optimizer.nvme_path",
                                ABSENT,
                                "jvm.chunk_bytes",
                                16_384)),
                of(
                        "jvm.offload_gradients",
                        "none",
                        "nvme",
                        Observed.bytes(1, MemoryKind.GRADIENTS),
                        with(statesOnNvme, zero + "stage", 2)),
                of("jvm.commit_every_steps", 1, 2, Trial::lastCommittedStep, statesOnNvme),
                of("jvm.state_codec", "bf16", "int8_block", Observed::bytesAtRest, statesOnNvme),
                of("jvm.storage_backend", "channel", "mapped", Observed::requests, statesOnNvme),
                of("aio.block_size", 1 << 20, 1 << 16, Observed::requests, statesOnNvme),
                of("aio.queue_depth", 8, 32, Observed::requests, statesOnNvme),
                of("aio.intra_op_parallelism", 1, 2, Observed::requests, statesOnNvme),
                of("aio.single_submit", false, true, Observed::requests, statesOnNvme),
                of("aio.overlap_events", true, false, Observed::requests, statesOnNvme),
                of("jvm.pipeline_wait", "block", "yield", Trial::waitingState, statesOnNvme),
                of(
                        "jvm.workers",
                        1,
                        3,
                        trial ->
                                trial.train(
                                        1,
                                        1,
                                        (_, _) ->
                                                Thread.getAllStackTraces().keySet().stream()
                                                        .map(Thread::getName)
                                                        .filter(name -> name.startsWith("ds-r0-w"))
                                                        .sorted()
                                                        .toList())),
                of("jvm.kernels", "host", "openblas", Observed::kernels),
                of(
                        "jvm.journal.type",
                        "jsonl",
                        "lines",
                        Observed::journal,
                        "jvm.journal.path",
                        new Trial.Below("a")),
                of(
                        "jvm.journal.path",
                        new Trial.Below("a"),
                        new Trial.Below("b"),
                        Trial::filledDirectories),
                of(
                        "jvm.parameter_groups",
                        List.of(Map.of("dimensions", 1, "lr_multiplier", 0.5)),
                        List.of(Map.of("name", "*.w1", "frozen", true)),
                        Observed::parameters),
                of("jvm.seed", 1, 2, Observed::parameters),
                of(
                        "jvm.stochastic_rounding",
                        false,
                        true,
                        Observed::parameters,
                        TrainingEffects.brainMasters()));
    }
}
