package ds.engine.plan;

import ds.core.DType;
import ds.engine.LossScaler;
import java.util.Optional;

/**
 * In which type parameters, activations and contributions are stored.
 *
 * @param type fp32, bf16 or fp16
 * @param dynamic the rules of a dynamic loss scale; empty for a static one
 * @param staticScale the static loss scale; 1 outside fp16
 */
public record PrecisionPlan(DType type, Optional<LossScaler.Dynamic> dynamic, double staticScale) {
    /** fp32 without a loss scale. */
    public static final PrecisionPlan FP32 = new PrecisionPlan(DType.FP32, Optional.empty(), 1);

    /** bf16 without a loss scale. */
    public static final PrecisionPlan BF16 = new PrecisionPlan(DType.BF16, Optional.empty(), 1);

    /** Returns a new loss scaler in its first state. */
    public LossScaler scaler() {
        return dynamic.map(LossScaler::dynamic).orElseGet(() -> LossScaler.fixed(staticScale));
    }
}
