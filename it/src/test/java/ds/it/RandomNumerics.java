package ds.it;

import static ds.it.RandomWay.pick;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a run computes, drawn by chance.
 *
 * @param json the configuration's keys
 * @param jvm those of its section {@code jvm}
 * @param narrowMasters whether masters are in 16 bits, which needs a stage and rests in memory
 * @param world the number of ranks where it is part of a number, otherwise 0
 */
record RandomNumerics(
        String json, String jvm, boolean tied, double dropout, boolean narrowMasters, int world) {
    private static final String[] OPTIMIZERS = {
        "{\"type\": \"Adam\", \"params\": {\"lr\": 3e-3, \"weight_decay\": 0.1}}",
        "{\"type\": \"AdamW\", \"params\": {\"lr\": 3e-3, \"weight_decay\": 0.1}}",
        "{\"type\": \"Adam\", \"params\": {\"lr\": 3e-3, \"amsgrad\": true, \"torch_adam\": true}}",
        "{\"type\": \"Adagrad\", \"params\": {\"lr\": 1e-2}}",
        "{\"type\": \"Lion\", \"params\": {\"lr\": 1e-3, \"weight_decay\": 0.1}}",
        "{\"type\": \"SGD\", \"params\": {\"lr\": 1e-1}}",
        "{\"type\": \"SGD\", \"params\": {\"lr\": 1e-1, \"momentum\": 0.9, \"nesterov\": true}}",
        "{\"type\": \"Lamb\", \"params\": {\"lr\": 3e-3, \"weight_decay\": 0.1}}",
        "{\"type\": \"Muon\", \"params\": {\"lr\": 2e-2, \"weight_decay\": 0.1}}",
    };
    private static final String[] SCHEDULERS = {
        "{\"type\": \"WarmupLR\", \"params\": {\"warmup_num_steps\": 3, \"warmup_max_lr\": 3e-3}}",
        "{\"type\": \"WarmupCosineLR\", \"params\": {\"total_num_steps\": 9, \"warmup_num_steps\": 2}}",
        "{\"type\": \"OneCycle\", \"params\": {\"cycle_min_lr\": 1e-3, \"cycle_max_lr\": 1e-2, \"cycle_first_step_size\": 2}}",
    };
    private static final String[] GROUPS = {
        "{\"dimensions\": 1, \"weight_decay\": 0}",
        "{\"layer\": \"blocks.0\", \"lr_multiplier\": 0.5}",
        "{\"name\": \"tok\", \"frozen\": true}",
        "{\"tag\": \"norm\", \"lr\": 1e-4}",
    };
    private static final String[] IN_32_BITS = {
        "",
        "\"communication_data_type\": \"bf16\"",
        "\"torch_autocast\": {\"enabled\": true, \"dtype\": \"bfloat16\"}",
    };
    private static final String[] IN_BF16 = {
        "\"bf16\": {\"enabled\": true}",
        "\"bf16\": {\"enabled\": true}, \"data_types\": {\"grad_accum_dtype\": \"bf16\"}",
        "\"bf16\": {\"enabled\": true}, \"communication_data_type\": \"fp32\"",
    };
    private static final String[] IN_FP16 = {
        "\"fp16\": {\"enabled\": true, \"initial_scale_power\": %d, \"loss_scale_window\": 2, \"hysteresis\": %d}",
        "\"fp16\": {\"enabled\": true, \"initial_scale_power\": %d, \"loss_scale_window\": 2, \"hysteresis\": %d}, \"data_types\": {\"grad_accum_dtype\": \"fp16\"}",
        "\"torch_autocast\": {\"enabled\": true, \"dtype\": \"fp16\"}",
    };
    private static final String NARROW_MASTERS =
            "\"bf16\": {\"enabled\": true, \"bf16_master_weights_and_grads\": true, \"bf16_optimizer_states\": true}";

    static RandomNumerics draw(SplittableRandom random) {
        List<String> keys = new ArrayList<>();
        String optimizer = pick(random, OPTIMIZERS);
        boolean narrowMasters = optimizer.contains("Adam") && random.nextInt(6) == 0;
        int world = 0;
        if (narrowMasters) {
            keys.add(NARROW_MASTERS);
        } else {
            switch (random.nextInt(3)) {
                case 0 -> keys.add(pick(random, IN_32_BITS));
                case 1 -> keys.add(pick(random, IN_BF16));
                default -> {
                    world = 1 + random.nextInt(3); // G divides what the backward pass starts from
                    keys.add(
                            pick(random, IN_FP16)
                                    .formatted(4 + random.nextInt(18), 1 + random.nextInt(2)));
                }
            }
        }
        keys.add("\"optimizer\": " + optimizer);
        if (random.nextBoolean()) {
            keys.add("\"scheduler\": " + pick(random, SCHEDULERS));
        }
        if (random.nextBoolean()) {
            keys.add("\"gradient_clipping\": 0.7");
        }
        keys.removeIf(String::isEmpty);
        return new RandomNumerics(
                String.join(", ", keys),
                random.nextBoolean()
                        ? "\"parameter_groups\": [%s]".formatted(pick(random, GROUPS))
                        : "",
                random.nextBoolean(),
                random.nextBoolean() ? 0.1 : 0,
                narrowMasters,
                world);
    }
}
