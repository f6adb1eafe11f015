package ds.cli;

import static ds.cli.Effect.of;
import static ds.cli.Effect.with;
import static ds.cli.Trial.ABSENT;

import ds.core.MemoryKind;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What the keys about batches, the update rule and precision do. */
final class TrainingEffects {
    private TrainingEffects() {}

    /** Returns their entries. */
    static List<Effect> all() {
        return Stream.of(batchAndRule(), precision(), elastic()).flatMap(List::stream).toList();
    }

    private static List<Effect> batchAndRule() {
        Object[] fast = {"optimizer.params.lr", 0.1};
        return List.of(
                of("train_batch_size", 4, 8, Observed::samples),
                of(
                        "train_micro_batch_size_per_gpu",
                        2,
                        4,
                        trial -> trial.train(1, 1, (engine, _) -> engine.usage(0).exchanges())),
                of(
                        "gradient_accumulation_steps",
                        1,
                        2,
                        Observed::samples,
                        "train_batch_size",
                        ABSENT),
                of(
                        "optimizer.type",
                        "sgd",
                        "AdamW",
                        Observed.bytes(1, MemoryKind.OPTIMIZER_STATES)),
                of("optimizer.params", Map.of("lr", 0.1), Map.of("lr", 0.2), Observed::parameters),
                of("scheduler.type", "WarmupLR", ABSENT, Observed::rates),
                of(
                        "scheduler.params",
                        Map.of("warmup_num_steps", 2),
                        Map.of("warmup_num_steps", 4),
                        Observed::rates,
                        "scheduler.type",
                        "WarmupLR"),
                of("gradient_clipping", 1.0, 0.001, Observed::parameters, fast),
                of(
                        "prescale_gradients",
                        false,
                        true,
                        trial ->
                                trial.train(
                                        2,
                                        1,
                                        (engine, _) -> engine.plan().zero().gradients().factor())),
                of("gradient_predivide_factor", 1, 3, Observed::parameters, "bf16.enabled", true),
                of(
                        "gradient_allreduce_op",
                        "mean",
                        "sum",
                        Observed::parametersOfTwoRanks,
                        "gradient_clipping",
                        0),
                of(
                        "communication_data_type",
                        "fp32",
                        "bf16",
                        Observed.bytes(1, MemoryKind.BUCKETS)),
                of(
                        "data_types.grad_accum_dtype",
                        "fp32",
                        "bf16",
                        Observed.bytes(1, MemoryKind.GRADIENTS),
                        "zero_optimization.stage",
                        1));
    }

    /** Returns what asks for masters in bf16. */
    static Object[] brainMasters() {
        return new Object[] {
            "bf16.enabled",
            true,
            "bf16.bf16_master_weights_and_grads",
            true,
            "zero_optimization.stage",
            1
        };
    }

    private static List<Effect> precision() {
        // A scale that fp16 cannot hold, so that every step overflows.
        Object[] overflowing = {"fp16.enabled", true, "fp16.initial_scale_power", 40};
        Object[] calm = {"fp16.enabled", true, "fp16.initial_scale_power", 2};
        Object[] brainMasters = brainMasters();
        return List.of(
                of("fp16.enabled", false, true, Observed.bytes(1, MemoryKind.MASTERS)),
                of("fp16.loss_scale", 0, 8, Observed::scales, calm),
                of("fp16.initial_scale_power", 2, 3, Observed::scales, "fp16.enabled", true),
                of("fp16.loss_scale_window", 1, 100, Observed::scales, calm),
                of("fp16.hysteresis", 1, 2, Observed::scales, overflowing),
                of(
                        "fp16.consecutive_hysteresis",
                        false,
                        true,
                        Observed::scaleAfterTwoOverflows,
                        calm),
                of(
                        "fp16.min_loss_scale",
                        1,
                        2,
                        Observed::scaleAfterTwoOverflows,
                        "fp16.enabled",
                        true,
                        "fp16.initial_scale_power",
                        2,
                        "fp16.hysteresis",
                        1),
                of(
                        "fp16.fp16_master_weights_and_grads",
                        false,
                        true,
                        Observed.bytes(1, MemoryKind.MASTERS),
                        with(calm, "zero_optimization.stage", 1)),
                of("bf16.enabled", false, true, Observed.bytes(1, MemoryKind.PARAMETERS)),
                of("torch_autocast.enabled", false, true, Observed::parameters),
                of(
                        "torch_autocast.dtype",
                        "bf16",
                        "fp16",
                        Observed::parameters,
                        "torch_autocast.enabled",
                        true),
                of(
                        "torch_autocast.lower_precision_safe_modules",
                        List.of("torch.nn.Linear"),
                        List.of("torch.nn.Conv2d"),
                        Observed::parameters,
                        "torch_autocast.enabled",
                        true),
                of("amp.enabled", false, true, Observed::parameters),
                of(
                        "bf16.check_grad_overflow",
                        true,
                        false,
                        Observed::scales,
                        "bf16.enabled",
                        true,
                        "optimizer.params.lr",
                        1e38),
                of(
                        "bf16.bf16_master_weights_and_grads",
                        false,
                        true,
                        Observed.bytes(1, MemoryKind.MASTERS),
                        "bf16.enabled",
                        true,
                        "zero_optimization.stage",
                        1),
                of(
                        "bf16.bf16_optimizer_states",
                        false,
                        true,
                        Observed.bytes(1, MemoryKind.OPTIMIZER_STATES),
                        with(brainMasters, "optimizer.type", "AdamW")));
    }

    private static List<Effect> elastic() {
        String at = "elasticity.";
        Object[] rule = {
            "train_batch_size",
            ABSENT,
            "train_micro_batch_size_per_gpu",
            ABSENT,
            at + "enabled",
            true,
            at + "version",
            0.1,
            at + "max_train_batch_size",
            48,
            at + "micro_batch_sizes",
            List.of(2, 3),
            at + "max_gpus",
            4,
        };
        Object[] byNode =
                with(
                        rule,
                        at + "version",
                        0.2,
                        at + "num_gpus_per_node",
                        2,
                        at + "max_train_batch_size",
                        20);
        String pass = at + "ignore_non_elastic_batch_info";
        return List.of(
                of(
                        at + "enabled",
                        false,
                        true,
                        Observed.sizes(1),
                        with(rule, "train_batch_size", 4, pass, true, "jvm.unknown_keys", "warn")),
                of(at + "max_train_batch_size", 24, 48, Observed.sizes(1), rule),
                of(at + "micro_batch_sizes", List.of(2, 3), List.of(4), Observed.sizes(1), rule),
                of(at + "min_gpus", 1, 2, Observed.sizes(1), rule),
                of(at + "max_gpus", 4, 1, Observed.sizes(2), rule),
                of(at + "model_parallel_size", 1, 2, Observed.sizes(2), byNode),
                of(at + "num_gpus_per_node", 1, 2, Observed.sizes(2), byNode),
                of(at + "version", 0.1, 0.2, Observed.sizes(2), byNode),
                of(at + "prefer_larger_batch", true, false, Observed.sizes(1), rule),
                of(pass, false, true, Observed.sizes(1), with(rule, "train_batch_size", 4)));
    }
}
