package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.KeyDeclaration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Every value says where it came from, and two configurations differ only where they mean to. */
class ValuesTest {
    private static final CheckOptions LAX = CheckOptions.none().warnOnUnknownKeys(true);

    private static DsConfig read(String text) {
        return DsConfig.check(text, LAX).config().orElseThrow();
    }

    /** Returns what is not a default, one line each: path, value, origin. */
    private static String shown(DsConfig config, CheckOptions options) {
        return config.values(options).stream()
                .filter(value -> !value.isDefault())
                .map(value -> "%s = %s (%s)".formatted(value.path(), value.json(), value.words()))
                .collect(Collectors.joining("\n"));
    }

    @Test
    void eachValueSaysWhereItCameFrom() {
        DsConfig config =
                read(
                        """
                        {
                          "train_batch_size": 32,
                          "gradient_accumulation_steps": 4,
                          "bfloat16": {"enabled": true},
                          "gradient_clipping": "auto",
                          "zero_optimization": {
                            "stage": 3,
                            "cpu_offload": true,
                            "prefetch_bucket_size": 5e7
                          },
                          "flops_profiler": {"enabled": true},
                          "no_such_key": 1
                        }""");
        assertEquals(
                """
                train_batch_size = 32 (line 2)
                train_micro_batch_size_per_gpu = 4 (derived from 32 (train) / 4 (accumulation) / 2 (ranks))
                gradient_accumulation_steps = 4 (line 3)
                gradient_clipping = "auto" (line 5, auto: left to the planner)
                bf16.enabled = true (line 4, as bfloat16.enabled)
                zero_optimization.stage = 3 (line 7)
                zero_optimization.overlap_comm = true (derived from zero_optimization.stage)
                zero_optimization.offload_optimizer.device = "cpu" (line 8, from the old zero_optimization.cpu_offload)
                zero_optimization.stage3_prefetch_bucket_size = 50000000 (line 9, as zero_optimization.prefetch_bucket_size)
                wall_clock_breakdown = true (derived from flops_profiler.enabled)
                flops_profiler.enabled = true (line 11)""",
                shown(config, LAX.worldSize(2)));
    }

    @Test
    void anElasticBatchIsDerivedFromItsSection() {
        DsConfig config =
                read(
                        """
                        {"elasticity": {"enabled": true, "max_train_batch_size": 64,
                          "micro_batch_sizes": [2, 4], "min_gpus": 1, "max_gpus": 8,
                          "version": 0.1}}""");
        assertEquals(
                List.of("derived from elasticity"),
                config.values(LAX.worldSize(2)).stream()
                        .filter(value -> value.path().startsWith("train_"))
                        .map(ResolvedValue::words)
                        .distinct()
                        .toList());
    }

    @Test
    void whatWasNeverTextIsGiven() {
        DsConfig config = DsConfig.of(Map.of("train_batch_size", 8));
        assertEquals("train_batch_size = 8 (given)", shown(config, LAX));
    }

    @Test
    void spellingOrderCommentsAndWrittenDefaultsMakeNoDifference() {
        DsConfig one =
                read(
                        """
                        {"train_batch_size": 8, // samples
                         "zero_optimization": {"stage": 2, "overlap_comm": false},
                         "optimizer": {"type": "Adam", "params": {"lr": 1e-3}}}""");
        DsConfig other =
                read(
                        """
                        {"optimizer": {"type": "adam", "params": {"eps": 1E-8, "lr": 0.001}},
                         "gradient_accumulation_steps": 1,
                         "zero_optimization": {
                           "reduce_bucket_size": 5e8, "stage": 2, "offload_optimizer": null},
                         "train_batch_size": 8.0}""");
        CheckOptions options =
                LAX.plugins(
                        Map.of(
                                "adam",
                                List.of(
                                        KeyDeclaration.number("eps", 1e-8),
                                        KeyDeclaration.number("lr", 1e-3))),
                        Map.of());
        assertEquals(List.of(), ConfigDiff.of(one, other, options));
        assertEquals(
                List.of("optimizer.params.eps"),
                ConfigDiff.of(one, other, LAX).stream().map(ConfigDiff.Difference::path).toList(),
                "without its declaration nobody knows the default");
    }

    @Test
    void eachDifferenceShowsBothSides() {
        DsConfig one =
                read(
                        """
                        {"train_batch_size": 8,
                         "zero_optimization": {"stage": 2}}""");
        DsConfig other =
                read(
                        """
                        {"train_batch_size": "auto",
                         "zero_optimization": {"stage": 3,
                           "offload_param": {"device": "cpu", "buffer_count": 5}}}""");
        String found =
                ConfigDiff.of(one, other, LAX).stream()
                        .map(
                                d ->
                                        d.path()
                                                + ": "
                                                + d.before().map(ValuesTest::side).orElse("-")
                                                + " | "
                                                + d.after().map(ValuesTest::side).orElse("-"))
                        .collect(Collectors.joining("\n"));
        assertEquals(
                """
                train_batch_size: 8 (line 1) | "auto" (line 1, auto: left to the planner)
                zero_optimization.stage: 2 (line 2) | 3 (line 2)
                zero_optimization.overlap_comm: false (default) | true (derived from zero_optimization.stage)
                zero_optimization.offload_param.device: - | "cpu" (line 3)""",
                found);
    }

    private static String side(ResolvedValue value) {
        return "%s (%s)".formatted(value.json(), value.words());
    }
}
