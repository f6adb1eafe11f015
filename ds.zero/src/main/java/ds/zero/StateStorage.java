package ds.zero;

import ds.core.DType;

/**
 * In which types masters and optimizer slots rest. A step always sees fp32; what rests in 16 bits is
 * widened before it and rounded after it.
 *
 * @param masters fp32, or the type of the working parameters, which are then the masters themselves
 * @param slots fp32 or 16-bit
 * @param stochastic whether masters are rounded stochastically instead of to nearest even; bf16 only
 */
public record StateStorage(DType masters, DType slots, boolean stochastic) {
    /** Everything in fp32. */
    public static final StateStorage FP32 = new StateStorage(DType.FP32, DType.FP32, false);

    /** Checks that what is rounded stochastically is bf16. */
    public StateStorage {
        if (stochastic && masters != DType.BF16) {
            throw new IllegalArgumentException(
                    "Stochastic rounding needs bf16 masters, was asked for with %s."
                            .formatted(masters.jsonName()));
        }
    }

    /** Returns whether the working parameters are the masters, in 16 bits. */
    public boolean mastersAreNarrow() {
        return masters != DType.FP32;
    }
}
