package ds.config;

/**
 * The {@code bf16} section.
 *
 * <p>Source: DeepSpeed {@code runtime/precision_config.py}, same names and defaults.
 *
 * @param enabled whether to train in bf16 with fp32 masters; default false
 * @param checkGradOverflow whether a step with a non-finite norm is skipped; default true
 */
public record Bf16(Tunable<Boolean> enabled, boolean checkGradOverflow) {}
