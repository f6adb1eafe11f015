package ds.cli;

import static ds.cli.Trial.ABSENT;

import ds.config.CheckOptions;
import ds.config.ConfigCheck;
import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.core.Diagnostic;
import ds.core.MemoryKind;
import ds.engine.LossScaler;
import ds.engine.StepReport;
import ds.engine.plan.TrainingPlan;
import ds.offload.RestingPlace;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What one key does: two values, and something that differs between them.
 *
 * @param key dotted path; {@code optimizer[adam].lr} is a setting of a plug-in
 * @param context what else has to be set for it to matter: paths and values in turn
 * @param one a value
 * @param other another value
 * @param observed what is looked at
 */
record Effect(
        String key,
        List<Object> context,
        Object one,
        Object other,
        Function<Trial, Object> observed) {

    private static final List<Object> BASE =
            List.of(
                    "train_batch_size",
                    4,
                    "train_micro_batch_size_per_gpu",
                    2,
                    "optimizer.type",
                    "sgd",
                    "optimizer.params.lr",
                    0.01);

    /** Returns the settings of a trial with this key at {@code value}. */
    List<Object> settings(Object value) {
        List<Object> all = new ArrayList<>(BASE);
        all.addAll(context);
        String path = key.replaceFirst("^(optimizer|scheduler)\\[.*]", "$1.params");
        all.addAll(List.of(path, value));
        return all;
    }

    /** Returns the entry of every key that is said to do something. */
    static List<Effect> all() {
        List<Effect> all = new ArrayList<>();
        all.addAll(batchAndRule());
        all.addAll(precision());
        all.addAll(zero());
        all.addAll(elastic());
        all.addAll(ours());
        all.addAll(optimizers());
        all.addAll(schedules());
        return List.copyOf(all);
    }

    private static Effect of(
            String key, Object one, Object other, Function<Trial, Object> observed, Object... set) {
        return new Effect(key, List.of(set), one, other, observed);
    }

    private static Object[] with(Object[] context, Object... more) {
        return Stream.concat(Stream.of(context), Stream.of(more)).toArray();
    }

    // What is looked at.

    private static Object parameters(Trial trial) {
        return trial.train(1, 2, (engine, _) -> engine.parameterHash());
    }

    private static Object parametersOfTwoRanks(Trial trial) {
        return trial.train(2, 2, (engine, _) -> engine.parameterHash());
    }

    /** Two ranks, long enough for compressed exchanges. */
    private static Object steps(Trial trial) {
        return trial.train(2, 6, (engine, _) -> engine.parameterHash());
    }

    private static Object samples(Trial trial) {
        return trial.train(1, 1, (_, reports) -> reports.getFirst().samples());
    }

    private static Object rates(Trial trial) {
        return trial.train(1, 8, (_, reports) -> reports.stream().map(StepReport::lr).toList());
    }

    /** The plan's own schedule, which the engine asks before every step. */
    private static Object momenta(Trial trial) {
        return trial.plan(
                plan ->
                        IntStream.range(0, 8)
                                .mapToObj(t -> plan.schedule().at(t, plan.optimizer().base()))
                                .toList());
    }

    private static Object scales(Trial trial) {
        return trial.train(
                1,
                4,
                (_, reports) ->
                        reports.stream()
                                .map(r -> r.lossScale() + (r.skipped() ? " skipped" : ""))
                                .toList());
    }

    /** The plan's own scaler, which the engine takes: an overflow, a good step, an overflow. */
    private static Object scaleAfterTwoOverflows(Trial trial) {
        return trial.plan(
                plan -> {
                    LossScaler scaler = plan.scaler();
                    for (boolean overflow : new boolean[] {true, false, true}) {
                        scaler.update(overflow);
                    }
                    return scaler.scale();
                });
    }

    /** The three batch numbers that {@code ranks} ranks train with, or why they cannot. */
    private static Function<Trial, Object> sizes(int ranks) {
        return trial -> {
            ConfigCheck check =
                    DsConfig.check(trial.config(), CheckOptions.none().worldSize(ranks));
            return check.isOk()
                    ? trial.plan(ranks, TrainingPlan::batch)
                    : check.diagnostics().stream().map(Diagnostic::message).toList();
        };
    }

    private static Function<Trial, Object> bytes(int ranks, MemoryKind kind) {
        return trial -> trial.train(ranks, 1, (engine, _) -> engine.usage(0).bytes().get(kind));
    }

    private static Object everyByte(Trial trial) {
        return trial.train(2, 1, (engine, _) -> Map.copyOf(engine.usage(0).bytes()));
    }

    private static Object bytesAtRest(Trial trial) {
        return trial.train(1, 1, (engine, _) -> engine.usage(0).storedBytes());
    }

    private static Object bytesGathered(Trial trial) {
        return trial.train(2, 2, (engine, _) -> engine.usage(0).traffic().allGatherBytes());
    }

    /** What is to be locked; where this machine does not allow it, the run says so. */
    private static Object lockedBytes(Trial trial) {
        return trial.plan(TrainingPlan::lockedBytes);
    }

    private static Object places(Trial trial) {
        return trial.plan(
                plan ->
                        List.of(
                                plan.zero().optimizer() instanceof RestingPlace.InHost,
                                plan.zero().parameters().place() instanceof RestingPlace.InHost));
    }

    // The keys.

    private static List<Effect> batchAndRule() {
        Object[] fast = {"optimizer.params.lr", 0.1};
        return List.of(
                of("train_batch_size", 4, 8, Effect::samples),
                of(
                        "train_micro_batch_size_per_gpu",
                        2,
                        4,
                        trial -> trial.train(1, 1, (engine, _) -> engine.usage(0).exchanges())),
                of(
                        "gradient_accumulation_steps",
                        1,
                        2,
                        Effect::samples,
                        "train_batch_size",
                        ABSENT),
                of("optimizer.type", "sgd", "AdamW", bytes(1, MemoryKind.OPTIMIZER_STATES)),
                of("optimizer.params", Map.of("lr", 0.1), Map.of("lr", 0.2), Effect::parameters),
                of("scheduler.type", "WarmupLR", ABSENT, Effect::rates),
                of(
                        "scheduler.params",
                        Map.of("warmup_num_steps", 2),
                        Map.of("warmup_num_steps", 4),
                        Effect::rates,
                        "scheduler.type",
                        "WarmupLR"),
                of("gradient_clipping", 1.0, 0.001, Effect::parameters, fast),
                of(
                        "prescale_gradients",
                        false,
                        true,
                        trial ->
                                trial.train(
                                        2,
                                        1,
                                        (engine, _) -> engine.plan().zero().gradients().factor())),
                of("gradient_predivide_factor", 1, 3, Effect::parameters, "bf16.enabled", true),
                of(
                        "gradient_allreduce_op",
                        "mean",
                        "sum",
                        Effect::parametersOfTwoRanks,
                        "gradient_clipping",
                        0),
                of("communication_data_type", "fp32", "bf16", bytes(1, MemoryKind.BUCKETS)),
                of(
                        "data_types.grad_accum_dtype",
                        "fp32",
                        "bf16",
                        bytes(1, MemoryKind.GRADIENTS),
                        "zero_optimization.stage",
                        1));
    }

    private static Object[] brainMasters() {
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
                of("fp16.enabled", false, true, bytes(1, MemoryKind.MASTERS)),
                of("fp16.loss_scale", 0, 8, Effect::scales, calm),
                of("fp16.initial_scale_power", 2, 3, Effect::scales, "fp16.enabled", true),
                of("fp16.loss_scale_window", 1, 100, Effect::scales, calm),
                of("fp16.hysteresis", 1, 2, Effect::scales, overflowing),
                of(
                        "fp16.consecutive_hysteresis",
                        false,
                        true,
                        Effect::scaleAfterTwoOverflows,
                        calm),
                of(
                        "fp16.min_loss_scale",
                        1,
                        2,
                        Effect::scaleAfterTwoOverflows,
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
                        bytes(1, MemoryKind.MASTERS),
                        with(calm, "zero_optimization.stage", 1)),
                of("bf16.enabled", false, true, bytes(1, MemoryKind.PARAMETERS)),
                of("torch_autocast.enabled", false, true, Effect::parameters),
                of(
                        "torch_autocast.dtype",
                        "bf16",
                        "fp16",
                        Effect::parameters,
                        "torch_autocast.enabled",
                        true),
                of(
                        "torch_autocast.lower_precision_safe_modules",
                        List.of("torch.nn.Linear"),
                        List.of("torch.nn.Conv2d"),
                        Effect::parameters,
                        "torch_autocast.enabled",
                        true),
                of("amp.enabled", false, true, Effect::parameters),
                of(
                        "bf16.check_grad_overflow",
                        true,
                        false,
                        Effect::scales,
                        "bf16.enabled",
                        true,
                        "optimizer.params.lr",
                        1e38),
                of(
                        "bf16.bf16_master_weights_and_grads",
                        false,
                        true,
                        bytes(1, MemoryKind.MASTERS),
                        "bf16.enabled",
                        true,
                        "zero_optimization.stage",
                        1),
                of(
                        "bf16.bf16_optimizer_states",
                        false,
                        true,
                        bytes(1, MemoryKind.OPTIMIZER_STATES),
                        with(brainMasters, "optimizer.type", "AdamW")));
    }

    private static List<Effect> zero() {
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
                of(zero + "stage", 0, 1, Effect::everyByte, "optimizer.type", "AdamW"),
                of(weights + "device", "none", "nvme", Effect::bytesAtRest, weightsOnNvme),
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
                        Effect::lockedBytes,
                        zero + "stage",
                        3,
                        weights + "device",
                        "cpu"),
                of(weights + "buffer_count", 2, 5, bytes(1, MemoryKind.STAGING), weightsOnNvme),
                of(
                        weights + "buffer_size",
                        1_024,
                        2_048,
                        bytes(1, MemoryKind.STAGING),
                        weightsOnNvme),
                of(
                        weights + "max_in_cpu",
                        1_000,
                        20_000,
                        bytes(1, MemoryKind.PARAMETERS),
                        weightsOnNvme),
                of(states + "device", "none", "nvme", Effect::bytesAtRest, statesOnNvme),
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
                        bytes(1, MemoryKind.STAGING),
                        statesOnNvme),
                of(
                        states + "pipeline_write",
                        true,
                        false,
                        bytes(1, MemoryKind.STAGING),
                        with(statesOnNvme, states + "pipeline_read", false)),
                of(
                        states + "fast_init",
                        true,
                        false,
                        trial -> trial.plan(plan -> plan.store().reserved()),
                        statesOnNvme),
                of(states + "pin_memory", true, false, Effect::lockedBytes, statesOnNvme),
                of(states + "buffer_count", 2, 4, bytes(1, MemoryKind.STAGING), statesOnNvme),
                of(
                        states + "ratio",
                        1,
                        0.5,
                        bytes(1, MemoryKind.OPTIMIZER_STATES),
                        with(statesOnNvme, zero + "stage", 3)),
                of(
                        zero + "sub_group_size",
                        1024,
                        1_000_000_000,
                        bytes(1, MemoryKind.STAGING),
                        with(statesOnNvme, "jvm.chunk_bytes", ABSENT)),
                of(
                        zero + "stage3_param_persistence_threshold",
                        0,
                        1_000_000,
                        bytes(2, MemoryKind.LIVE_UNITS),
                        stage3),
                of(
                        zero + "stage3_max_live_parameters",
                        18_000,
                        1_000_000,
                        bytes(2, MemoryKind.LIVE_UNITS),
                        zero + "stage",
                        3,
                        zero + "stage3_param_persistence_threshold",
                        0),
                of(zero + "cpu_offload", false, true, Effect::places, zero + "stage", 2),
                of(zero + "cpu_offload_param", false, true, Effect::places, stage3));
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
                        sizes(1),
                        with(rule, "train_batch_size", 4, pass, true, "jvm.unknown_keys", "warn")),
                of(at + "max_train_batch_size", 24, 48, sizes(1), rule),
                of(at + "micro_batch_sizes", List.of(2, 3), List.of(4), sizes(1), rule),
                of(at + "min_gpus", 1, 2, sizes(1), rule),
                of(at + "max_gpus", 4, 1, sizes(2), rule),
                of(at + "model_parallel_size", 1, 2, sizes(2), byNode),
                of(at + "num_gpus_per_node", 1, 2, sizes(2), byNode),
                of(at + "version", 0.1, 0.2, sizes(2), byNode),
                of(at + "prefer_larger_batch", true, false, sizes(1), rule),
                of(pass, false, true, sizes(1), with(rule, "train_batch_size", 4)));
    }

    private static List<Effect> ours() {
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
                of("jvm.chunk_bytes", 16_384, 32_768, bytes(1, MemoryKind.STAGING), statesOnNvme),
                of("jvm.crash_consistent", false, true, Effect::bytesAtRest, statesOnNvme),
                of("jvm.generations", 2, 3, Effect::bytesAtRest, statesOnNvme),
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
                        bytes(1, MemoryKind.GRADIENTS),
                        with(statesOnNvme, zero + "stage", 2)),
                of("jvm.commit_every_steps", 1, 2, Trial::lastCommittedStep, statesOnNvme),
                of("jvm.state_codec", "bf16", "int8_block", Effect::bytesAtRest, statesOnNvme),
                of("jvm.storage_backend", "channel", "mapped", Effect::requests, statesOnNvme),
                of("aio.block_size", 1 << 20, 1 << 16, Effect::requests, statesOnNvme),
                of("aio.queue_depth", 8, 32, Effect::requests, statesOnNvme),
                of("aio.intra_op_parallelism", 1, 2, Effect::requests, statesOnNvme),
                of("aio.single_submit", false, true, Effect::requests, statesOnNvme),
                of("aio.overlap_events", true, false, Effect::requests, statesOnNvme),
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
                of("jvm.kernels", "host", "openblas", Effect::kernels),
                of(
                        "jvm.journal.type",
                        "jsonl",
                        "lines",
                        Effect::journal,
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
                        Effect::parameters),
                of("jvm.seed", 1, 2, Effect::parameters),
                of("jvm.stochastic_rounding", false, true, Effect::parameters, brainMasters()));
    }

    /** What files are opened with; what a backend does with it is in its contract's tests. */
    private static Object requests(Trial trial) {
        return trial.plan(
                plan ->
                        List.of(
                                plan.storage().orElseThrow().provider().name(),
                                plan.pipeline().aio()));
    }

    /** What keeps the journal; a name that nobody has is refused. */
    private static Object journal(Trial trial) {
        try {
            return trial.plan(plan -> plan.journal().orElseThrow().provider().name());
        } catch (ConfigException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** What computes; where OpenBLAS is not installed, naming it is refused. */
    private static Object kernels(Trial trial) {
        try {
            return trial.plan(plan -> List.of(plan.kernels().name(), plan.irreproducible()));
        } catch (ConfigException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static List<Effect> optimizers() {
        List<Effect> all = new ArrayList<>();
        for (String type : List.of("adam", "adamw")) {
            Object[] decayed = {
                "optimizer.type", type, "optimizer.params.weight_decay", 0.1,
            };
            String name = "optimizer[" + type + "].";
            all.add(of(name + "lr", 0.01, 0.02, Effect::parameters, decayed));
            all.add(
                    of(
                            name + "betas",
                            List.of(0.9, 0.999),
                            List.of(0.8, 0.99),
                            Effect::parameters,
                            decayed));
            all.add(of(name + "eps", 1e-8, 1e-2, Effect::parameters, decayed));
            all.add(of(name + "weight_decay", 0.0, 0.5, Effect::parameters, decayed));
            all.add(of(name + "bias_correction", true, false, Effect::parameters, decayed));
            all.add(
                    of(
                            name + "amsgrad",
                            false,
                            true,
                            bytes(1, MemoryKind.OPTIMIZER_STATES),
                            decayed));
            if (type.equals("adam")) {
                all.add(of(name + "adam_w_mode", true, false, Effect::parameters, decayed));
            }
        }
        Object[] heavy = {"optimizer.type", "sgd", "optimizer.params.momentum", 0.9};
        all.add(of("optimizer[sgd].lr", 0.01, 0.02, Effect::parameters, heavy));
        all.add(of("optimizer[sgd].momentum", 0.0, 0.9, Effect::parameters, heavy));
        all.add(of("optimizer[sgd].dampening", 0.0, 0.5, Effect::parameters, heavy));
        all.add(of("optimizer[sgd].nesterov", false, true, Effect::parameters, heavy));
        all.add(of("optimizer[sgd].weight_decay", 0.0, 0.5, Effect::parameters, heavy));
        Object[] summed = {"optimizer.type", "adagrad", "optimizer.params.weight_decay", 0.1};
        all.add(of("optimizer[adagrad].lr", 0.01, 0.02, Effect::parameters, summed));
        all.add(of("optimizer[adagrad].eps", 1e-10, 1e-2, Effect::parameters, summed));
        all.add(of("optimizer[adagrad].weight_decay", 0.0, 0.5, Effect::parameters, summed));
        all.add(of("optimizer[adagrad].lr_decay", 0.0, 0.5, Effect::parameters, summed));
        all.add(
                of(
                        "optimizer[adagrad].initial_accumulator_value",
                        0.0,
                        0.5,
                        Effect::parameters,
                        summed));
        Object[] square = {"optimizer.type", "muon", "optimizer.params.weight_decay", 0.1};
        String muon = "optimizer[muon].";
        all.add(of(muon + "lr", 0.01, 0.02, Effect::parameters, square));
        all.add(of(muon + "muon_lr", 0.01, 0.02, Effect::parameters, square));
        all.add(of(muon + "adam_lr", 0.01, 0.02, Effect::parameters, square));
        all.add(of(muon + "momentum", 0.95, 0.5, Effect::parameters, square));
        all.add(of(muon + "weight_decay", 0.0, 0.5, Effect::parameters, square));
        all.add(of(muon + "ns_method", "gram", "standard", Effect::parameters, square));
        all.add(
                of(
                        muon + "betas",
                        List.of(0.9, 0.95),
                        List.of(0.8, 0.9),
                        Effect::parameters,
                        square));
        all.add(of(muon + "eps", 1e-10, 1e-2, Effect::parameters, square));
        all.addAll(oneBit());
        all.addAll(mup());
        Object[] signed = {"optimizer.type", "lion"};
        all.add(of("optimizer[lion].lr", 0.01, 0.02, Effect::parameters, signed));
        all.add(
                of(
                        "optimizer[lion].betas",
                        List.of(0.9, 0.999),
                        List.of(0.1, 0.1),
                        Effect::parameters,
                        signed));
        all.add(of("optimizer[lion].weight_decay", 0.0, 0.5, Effect::parameters, signed));
        Object[] trusting = {"optimizer.type", "lamb", "optimizer.params.weight_decay", 0.1};
        all.add(of("optimizer[lamb].lr", 0.01, 0.02, Effect::parameters, trusting));
        all.add(
                of(
                        "optimizer[lamb].betas",
                        List.of(0.9, 0.999),
                        List.of(0.8, 0.99),
                        Effect::parameters,
                        trusting));
        all.add(of("optimizer[lamb].eps", 1e-8, 1e-2, Effect::parameters, trusting));
        all.add(of("optimizer[lamb].eps_inside_sqrt", false, true, Effect::parameters, trusting));
        all.add(of("optimizer[lamb].weight_decay", 0.0, 0.5, Effect::parameters, trusting));
        all.add(of("optimizer[lamb].bias_correction", true, false, Effect::parameters, trusting));
        all.add(of("optimizer[lamb].max_coeff", 10.0, 0.02, Effect::parameters, trusting));
        all.add(of("optimizer[lamb].min_coeff", 0.01, 5.0, Effect::parameters, trusting));
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
            all.add(of(name + "lr", 0.01, 0.02, Effect::parameters, set));
            all.add(of(name + "weight_decay", 0.0, 0.5, Effect::parameters, set));
            all.add(of(name + "decoupled_wd", false, true, Effect::parameters, set));
            all.add(of(name + "base_shapes", narrow, same, Effect::parameters, set));
            if (type.equals("musgd")) {
                Object[] heavy = with(set, "optimizer.params.momentum", 0.9);
                all.add(of(name + "momentum", 0.0, 0.9, Effect::parameters, set));
                all.add(of(name + "dampening", 0.0, 0.5, Effect::parameters, heavy));
                all.add(of(name + "nesterov", false, true, Effect::parameters, heavy));
            } else {
                all.add(
                        of(
                                name + "betas",
                                List.of(0.9, 0.999),
                                List.of(0.8, 0.99),
                                Effect::parameters,
                                set));
                all.add(of(name + "eps", 1e-8, 1e-2, Effect::parameters, set));
                all.add(
                        of(
                                name + "amsgrad",
                                false,
                                true,
                                bytes(1, MemoryKind.OPTIMIZER_STATES),
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
            all.add(of(name + "lr", 0.01, 0.02, Effect::steps, set));
            all.add(
                    of(
                            name + "betas",
                            List.of(0.9, 0.999),
                            List.of(0.8, 0.99),
                            Effect::steps,
                            set));
            all.add(of(name + "eps", 1e-8, 1e-2, Effect::steps, set));
            all.add(of(name + "weight_decay", 0.0, 0.5, Effect::steps, set));
            all.add(of(name + freeze, 2, 4, Effect::steps, set));
            if (type.equals("zerooneadam")) {
                all.add(
                        of(
                                name + "var_update_scaler",
                                1,
                                2,
                                Effect::steps,
                                with(set, "optimizer.params.var_freeze_step", 8)));
                all.add(of(name + "local_step_scaler", 1, 100, Effect::steps, set));
                all.add(
                        of(
                                name + "local_step_clipper",
                                1,
                                4,
                                Effect::steps,
                                with(set, "optimizer.params.local_step_scaler", 1)));
            }
            if (type.equals("onebitlamb")) {
                all.add(of(name + "max_coeff", 10.0, 0.02, Effect::steps, set));
                all.add(of(name + "min_coeff", 0.01, 5.0, Effect::steps, set));
                all.add(of(name + "coeff_beta", 0.9, 0.5, Effect::steps, set));
                all.add(of(name + "factor_max", 4.0, 0.95, Effect::steps, set));
                all.add(of(name + "factor_min", 0.5, 3.0, Effect::steps, set));
                all.add(of(name + "factor_threshold", 0.1, 0.0, Effect::steps, set));
            }
        }
        return all;
    }

    private static List<Effect> schedules() {
        List<Effect> all = new ArrayList<>();
        for (String type : List.of("WarmupLR", "WarmupDecayLR")) {
            List<Object> set =
                    new ArrayList<>(
                            List.of(
                                    "scheduler.type",
                                    type,
                                    "scheduler.params.warmup_num_steps",
                                    3));
            if (type.equals("WarmupDecayLR")) {
                set.addAll(List.of("scheduler.params.total_num_steps", 6));
            }
            Object[] context = set.toArray();
            String name = "scheduler[" + type + "].";
            all.add(of(name + "warmup_min_lr", 0.0, 0.001, Effect::rates, context));
            all.add(of(name + "warmup_max_lr", 0.01, 0.02, Effect::rates, context));
            all.add(of(name + "warmup_num_steps", 2, 4, Effect::rates, context));
            all.add(of(name + "warmup_type", "log", "linear", Effect::rates, context));
            all.add(of(name + "last_batch_iteration", -1, 2, Effect::rates, context));
            if (type.equals("WarmupDecayLR")) {
                all.add(of(name + "total_num_steps", 5, 9, Effect::rates, context));
            }
        }
        Object[] cosine = {
            "scheduler.type",
            "WarmupCosineLR",
            "scheduler.params.warmup_num_steps",
            3,
            "scheduler.params.total_num_steps",
            6
        };
        String name = "scheduler[WarmupCosineLR].";
        all.add(of(name + "total_num_steps", 5, 9, Effect::rates, cosine));
        all.add(of(name + "warmup_min_ratio", 0.0, 0.1, Effect::rates, cosine));
        all.add(of(name + "warmup_num_steps", 2, 4, Effect::rates, cosine));
        all.add(of(name + "cos_min_ratio", 0.0, 0.1, Effect::rates, cosine));
        all.add(of(name + "warmup_type", "log", "linear", Effect::rates, cosine));
        all.add(of(name + "last_batch_iteration", -1, 2, Effect::rates, cosine));
        all.addAll(oneCycle());
        Object[] range = {
            "scheduler.type", "LRRangeTest", "scheduler.params.lr_range_test_step_size", 2
        };
        name = "scheduler[LRRangeTest].lr_range_test_";
        all.add(of(name + "min_lr", 0.001, 0.002, Effect::rates, range));
        all.add(of(name + "step_size", 2, 3, Effect::rates, range));
        all.add(of(name + "step_rate", 1.0, 2.0, Effect::rates, range));
        all.add(of(name + "staircase", false, true, Effect::rates, range));
        all.add(of("scheduler[LRRangeTest].last_batch_iteration", -1, 2, Effect::rates, range));
        return all;
    }

    private static List<Effect> oneCycle() {
        Object[] cycle = {
            "optimizer.type",
            "adam",
            "scheduler.type",
            "OneCycle",
            "scheduler.params.cycle_min_lr",
            0.001,
            "scheduler.params.cycle_max_lr",
            0.01,
            "scheduler.params.cycle_first_step_size",
            3,
            "scheduler.params.cycle_second_step_size",
            2,
            "scheduler.params.decay_step_size",
            1,
            "scheduler.params.decay_lr_rate",
            0.1
        };
        String name = "scheduler[OneCycle].";
        return List.of(
                of(name + "cycle_min_lr", 0.001, 0.002, Effect::rates, cycle),
                of(name + "cycle_max_lr", 0.01, 0.02, Effect::rates, cycle),
                of(name + "decay_lr_rate", 0.1, 0.2, Effect::rates, cycle),
                of(name + "cycle_first_step_size", 3, 4, Effect::rates, cycle),
                of(name + "cycle_second_step_size", 2, 3, Effect::rates, cycle),
                of(name + "cycle_first_stair_count", 0, 2, Effect::rates, cycle),
                of(name + "cycle_second_stair_count", 0, 1, Effect::rates, cycle),
                of(name + "decay_step_size", 1, 2, Effect::rates, cycle),
                of(name + "cycle_momentum", true, false, Effect::momenta, cycle),
                of(name + "cycle_min_mom", 0.8, 0.7, Effect::momenta, cycle),
                of(name + "cycle_max_mom", 0.9, 0.95, Effect::momenta, cycle),
                of(name + "decay_mom_rate", 0.0, 0.01, Effect::momenta, cycle),
                of(name + "last_batch_iteration", -1, 2, Effect::rates, cycle));
    }
}
