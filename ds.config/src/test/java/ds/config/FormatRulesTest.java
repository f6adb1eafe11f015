package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Number formats that do not go together are refused when they would be run, as DeepSpeed does. */
class FormatRulesTest {
    private record Refused(String config, String message) {}

    static List<Refused> refused() {
        return List.of(
                new Refused(
                        "\"bf16\": {\"enabled\": true}, \"data_types\": {\"grad_accum_dtype\": \"fp32\"}",
                        "'grad_accum_dtype' is 'fp32' at stage 0, where gradients have the type of the run, bf16."),
                new Refused(
                        "\"data_types\": {\"grad_accum_dtype\": \"int8\"}",
                        "'grad_accum_dtype' must be one of fp32, fp16, bf16, was \"int8\"."),
                new Refused(
                        "\"data_types\": {\"param_dtype\": \"bf16\"}",
                        "'param_dtype' is bf16, but parameters are fp32: neither fp16 nor bf16 is enabled."),
                new Refused(
                        "\"zero_optimization\": {\"stage\": 2}, \"prescale_gradients\": true",
                        "'prescale_gradients' does not go with reduce_scatter at stage 2."),
                new Refused(
                        "\"zero_optimization\": {\"stage\": 3}, \"gradient_predivide_factor\": 2.0",
                        "'gradient_predivide_factor' does not go with reduce_scatter at stage 3."),
                new Refused(
                        "\"gradient_predivide_factor\": 0.0",
                        "'gradient_predivide_factor' is 0.0, by which nothing can be divided."),
                new Refused(
                        "\"jvm\": {\"stochastic_rounding\": true}",
                        "'stochastic_rounding' is about bf16 masters, but masters are fp32."),
                new Refused(
                        "\"bf16\": {\"enabled\": true, \"bf16_master_weights_and_grads\": true}, \"zero_optimization\": {\"stage\": 1, \"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": \"/tmp\"}}",
                        "'bf16_master_weights_and_grads' keeps masters in memory, but offload_optimizer rests on nvme."),
                new Refused(
                        "\"bf16\": {\"enabled\": true}, \"torch_autocast\": {\"enabled\": true}",
                        "'torch_autocast' casts the products of an fp32 run, but the run is in bf16, where everything is stored in 16 bits."),
                new Refused(
                        "\"torch_autocast\": {\"enabled\": true, \"dtype\": \"int8\"}",
                        "'dtype' is 'int8', in which no product can be stored."),
                new Refused(
                        "\"torch_autocast\": {\"enabled\": true, \"lower_precision_safe_modules\": [\"torch.nn.LayerNorm\"]}",
                        "'lower_precision_safe_modules' names 'torch.nn.LayerNorm', but only products of matrices can be cast: torch.nn.Linear."),
                new Refused(
                        "\"amp\": {\"enabled\": true}, \"zero_optimization\": {\"stage\": 1}",
                        "'amp' does not go with ZeRO, but the stage is 1."),
                new Refused(
                        "\"amp\": {\"enabled\": true}, \"fp16\": {\"enabled\": true}",
                        "'amp' and 'fp16' are both enabled."),
                new Refused(
                        "\"amp\": {\"enabled\": true, \"opt_level\": \"O3\"}",
                        "'opt_level' is 'O3', which has no masters to train."),
                new Refused(
                        "\"amp\": {\"enabled\": true, \"loss_scale\": \"static\"}",
                        "'loss_scale' must be \"dynamic\" or a number above 0, was static."),
                new Refused(
                        "\"amp\": {\"enabled\": true, \"keep_batchnorm_fp32\": true}",
                        "'amp' knows no 'keep_batchnorm_fp32' here; it has [enabled, loss_scale, opt_level, verbosity]."));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void saysWhatDoesNotGoTogether(Refused refused) {
        ConfigCheck check =
                DsConfig.check(
                        "{\"train_batch_size\": 8, " + refused.config() + "}", CheckOptions.none());
        assertTrue(check.isOk(), check.diagnostics().toString());
        assertFalse(check.isRunnable());
        List<String> said =
                check.diagnostics().stream()
                        .filter(found -> found.isError())
                        .map(found -> found.message())
                        .toList();
        assertEquals(List.of(refused.message()), said);
    }
}
