package ds.optim.spi;

import ds.core.DType;
import ds.core.FlatBuffer;
import java.util.List;
import java.util.Optional;

/**
 * A contiguous run of elements to step. All arrays have the same length; elements outside {@link
 * #ranges} are padding and stay zero. Borrowed for the call.
 *
 * @param master fp32 weights, updated in place
 * @param gradient fp32 sums; multiply by {@link StepContext#gradientScale} when reading
 * @param slots fp32 state, in the order of the optimizer's slots; of a whole matrix those it has
 * @param ranges which parameters lie where, ascending
 * @param copyOut where the 16-bit working copy of the new weights goes, rounded to nearest even;
 *     empty in fp32
 */
public record Shard(
        FlatBuffer master,
        FlatBuffer gradient,
        List<FlatBuffer> slots,
        List<ParameterRange> ranges,
        Optional<FlatBuffer> copyOut) {
    /**
     * Checks types and lengths.
     *
     * @throws IllegalArgumentException if an array is not fp32 (the copy: not 16-bit), or not as long
     *     as the master
     */
    public Shard {
        slots = List.copyOf(slots);
        ranges = List.copyOf(ranges);
        long length = master.lengthElements();
        require("master", master, length);
        require("gradient", gradient, length);
        for (FlatBuffer slot : slots) {
            require("slot", slot, length);
        }
        if (copyOut.isPresent()
                && (copyOut.get().type() == DType.FP32
                        || copyOut.get().lengthElements() != length)) {
            throw new IllegalArgumentException(
                    "The copy of a shard of %,d elements must be as many of 16 bits, was %,d %s."
                            .formatted(
                                    length,
                                    copyOut.get().lengthElements(),
                                    copyOut.get().type().jsonName()));
        }
    }

    private static void require(String what, FlatBuffer buffer, long length) {
        if (buffer.type() != DType.FP32 || buffer.lengthElements() != length) {
            throw new IllegalArgumentException(
                    "The %s of a shard of %,d elements must be as many fp32, was %,d %s."
                            .formatted(
                                    what,
                                    length,
                                    buffer.lengthElements(),
                                    buffer.type().jsonName()));
        }
    }

    /** Returns the number of elements. */
    public long length() {
        return master.lengthElements();
    }
}
