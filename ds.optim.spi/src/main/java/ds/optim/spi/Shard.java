package ds.optim.spi;

import ds.core.FlatBuffer;
import java.util.List;
import java.util.Optional;

/**
 * A contiguous run of elements to step. All arrays have the same length; elements outside {@link
 * #ranges} are padding and stay zero. Borrowed for the call.
 *
 * @param master fp32 weights, updated in place
 * @param gradient fp32 sums; multiply by {@link StepContext#gradientScale} when reading
 * @param slots fp32 state, in the order of the optimizer's slots
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
    /** Returns the number of elements. */
    public long length() {
        return master.lengthElements();
    }
}
