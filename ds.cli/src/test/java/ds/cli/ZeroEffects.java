package ds.cli;

import static ds.cli.Effect.of;
import static ds.cli.Effect.with;
import static ds.cli.Trial.ABSENT;

import ds.core.MemoryKind;
import ds.engine.plan.TrainingPlan;
import java.util.List;

/** What the keys of {@code zero_optimization} do. */
final class ZeroEffects {
    private ZeroEffects() {}

    /** Returns their entries. */
    static List<Effect> all() {
        String zero = "zero_optimization.";
        String states = zero + "offload_optimizer.";
        String weights = zero + "offload_param.";
        Object[] stage3 = {zero + "stage", 3};
        Object[] statesOnNvme = {
            zero + "stage",
            1,
            "optimizer.type",
            "AdamW",
            states + "device",
            "nvme",
            states + "nvme_path",
            new Trial.Below("a"),
            "jvm.chunk_bytes",
            16_384
        };
        Object[] weightsOnNvme = {
            zero + "stage",
            3,
            weights + "device",
            "nvme",
            weights + "nvme_path",
            new Trial.Below("a"),
            weights + "max_in_cpu",
            0,
            "jvm.chunk_bytes",
            16_384
        };
        return List.of(
                of(zero + "stage", 0, 1, Observed::everyByte, "optimizer.type", "AdamW"),
                of(weights + "device", "none", "nvme", Observed::bytesAtRest, weightsOnNvme),
                of(
                        weights + "nvme_path",
                        new Trial.Below("a"),
                        new Trial.Below("b"),
                        Trial::filledDirectories,
                        weightsOnNvme),
                of(
                        weights + "pin_memory",
                        true,
                        false,
                        Observed::lockedBytes,
                        zero + "stage",
                        3,
                        weights + "device",
                        "cpu"),
                of(
                        weights + "buffer_count",
                        2,
                        5,
                        Observed.bytes(1, MemoryKind.STAGING),
                        weightsOnNvme),
                of(
                        weights + "buffer_size",
                        1_024,
                        2_048,
                        Observed.bytes(1, MemoryKind.STAGING),
                        weightsOnNvme),
                of(
                        weights + "max_in_cpu",
                        1_000,
                        20_000,
                        Observed.bytes(1, MemoryKind.PARAMETERS),
                        weightsOnNvme),
                of(
                        zero + "stage3_prefetch_bucket_size",
                        0,
                        50_000_000,
                        trial -> trial.plan(TrainingPlan::readAhead),
                        weightsOnNvme),
                of(states + "device", "none", "nvme", Observed::bytesAtRest, statesOnNvme),
                of(
                        states + "nvme_path",
                        new Trial.Below("a"),
                        new Trial.Below("b"),
                        Trial::filledDirectories,
                        statesOnNvme),
                of(
                        states + "pipeline_read",
                        true,
                        false,
                        Observed.bytes(1, MemoryKind.STAGING),
                        statesOnNvme),
                of(
                        states + "pipeline_write",
                        true,
                        false,
                        Observed.bytes(1, MemoryKind.STAGING),
                        with(statesOnNvme, states + "pipeline_read", false)),
                of(
                        states + "fast_init",
                        true,
                        false,
                        trial -> trial.plan(plan -> plan.store().reserved()),
                        statesOnNvme),
                of(states + "pin_memory", true, false, Observed::lockedBytes, statesOnNvme),
                of(
                        states + "buffer_count",
                        2,
                        4,
                        Observed.bytes(1, MemoryKind.STAGING),
                        statesOnNvme),
                of(
                        states + "ratio",
                        1,
                        0.5,
                        Observed.bytes(1, MemoryKind.OPTIMIZER_STATES),
                        with(statesOnNvme, zero + "stage", 3)),
                of(
                        zero + "sub_group_size",
                        1024,
                        1_000_000_000,
                        Observed.bytes(1, MemoryKind.STAGING),
                        with(statesOnNvme, "jvm.chunk_bytes", ABSENT)),
                of(
                        zero + "stage3_param_persistence_threshold",
                        0,
                        1_000_000,
                        Observed.bytes(2, MemoryKind.LIVE_UNITS),
                        stage3),
                of(
                        zero + "stage3_max_live_parameters",
                        18_000,
                        1_000_000,
                        Observed.bytes(2, MemoryKind.LIVE_UNITS),
                        zero + "stage",
                        3,
                        zero + "stage3_param_persistence_threshold",
                        0),
                of(zero + "cpu_offload", false, true, Observed::places, zero + "stage", 2),
                of(zero + "cpu_offload_param", false, true, Observed::places, stage3));
    }
}
