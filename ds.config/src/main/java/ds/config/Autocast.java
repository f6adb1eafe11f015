package ds.config;

import ds.core.DType;
import java.util.Optional;

/**
 * What is computed in 16 bits where {@code fp16} and {@code bf16} are off: the {@code torch_autocast}
 * section, or {@code amp}.
 *
 * <p>Source: DeepSpeed {@code runtime/torch_autocast.py}; the levels of NVIDIA apex.
 *
 * @param products the type that operands are rounded to and results stored in; empty casts nothing
 * @param all whether everything else is in that type too, but for the parameters of norms: O2
 * @param lossScale the fixed scale of an fp16 loss; 0 is a dynamic one, of PyTorch's rules
 */
public record Autocast(Optional<DType> products, boolean all, double lossScale) {}
