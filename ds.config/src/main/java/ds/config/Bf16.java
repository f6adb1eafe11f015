package ds.config;

/**
 * The {@code bf16} section.
 *
 * <p>Source: DeepSpeed {@code runtime/precision_config.py}, same names and defaults.
 *
 * @param enabled whether to train in bf16; default false
 * @param checkGradOverflow whether a step with a non-finite norm is skipped; default true
 * @param masterWeightsAndGrads whether masters and accumulated gradients are bf16 too; default false
 * @param optimizerStates whether optimizer states are bf16 too; default false
 */
public record Bf16(
        Tunable<Boolean> enabled,
        boolean checkGradOverflow,
        boolean masterWeightsAndGrads,
        boolean optimizerStates) {}
