package ds.config;

import ds.core.DType;
import java.util.Optional;

/**
 * Products of matrices in 16 bits where everything else is fp32: the {@code torch_autocast} section,
 * or {@code amp} at level O1.
 *
 * <p>Source: DeepSpeed {@code runtime/torch_autocast.py}; the levels of NVIDIA apex.
 *
 * @param products the type that operands are rounded to and results stored in; empty casts nothing
 * @param lossScale the fixed scale of an fp16 loss; 0 is a dynamic one, of PyTorch's rules
 */
public record Autocast(Optional<DType> products, double lossScale) {}
