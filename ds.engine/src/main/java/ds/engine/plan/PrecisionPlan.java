package ds.engine.plan;

import ds.core.DType;
import ds.engine.LossScaler;
import java.util.Optional;

/**
 * In which type parameters and activations are stored, and what guards against overflow.
 *
 * @param type fp32, bf16 or fp16
 * @param products the type of products of matrices: {@code type}, or 16-bit in fp32
 * @param dynamic the rules of a dynamic loss scale; empty for a static one
 * @param staticScale the static loss scale; 1 where nothing is stored in fp16
 * @param skipsOverflow whether a step whose gradient is not finite is skipped
 */
public record PrecisionPlan(
        DType type,
        DType products,
        Optional<LossScaler.Dynamic> dynamic,
        double staticScale,
        boolean skipsOverflow) {
    /** fp32 without a loss scale. */
    public static final PrecisionPlan FP32 =
            new PrecisionPlan(DType.FP32, DType.FP32, Optional.empty(), 1, true);

    /** Returns whether the loss is scaled: where gradients are stored in fp16. */
    public boolean scalesLoss() {
        return products == DType.FP16;
    }

    /** Returns a new loss scaler in its first state. */
    public LossScaler scaler() {
        return dynamic.map(LossScaler::dynamic).orElseGet(() -> LossScaler.fixed(staticScale));
    }
}
