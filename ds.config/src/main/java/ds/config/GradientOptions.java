package ds.config;

import ds.core.DType;
import java.util.Optional;

/**
 * The top-level keys about gradients on their way, and {@code data_types.grad_accum_dtype}.
 *
 * @param accumulationType the type in which gradients are added; empty if it does not say
 * @param communicationType the type in which they travel; empty follows the mode
 * @param prescale whether they are divided by the ranks before they travel; default false
 * @param predivideFactor what they are divided by before they travel otherwise; default 1
 * @param sum whether ranks are added instead of averaged; default false
 */
public record GradientOptions(
        Optional<DType> accumulationType,
        Optional<DType> communicationType,
        boolean prescale,
        double predivideFactor,
        boolean sum) {}
