package ds.model;

import ds.kernels.Kernels;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Samples for one forward pass. For language models the input holds token ids [T] and the target the
 * ids shifted by one [T]; for regression both are floats; for classification the target is a label.
 *
 * @param firstSample the global index of the first sample in the run (counts across ranks and
 *     steps): dropout masks depend on it
 * @param samples the number of samples, at least 1
 * @param input what the model sees
 * @param target what the loss compares with; −100 is ignored
 */
public record Batch(long firstSample, int samples, Field input, Field target) {
    private static final ValueLayout.OfInt TARGET =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Returns this batch numbered from another sample of the run; the memory is shared. */
    public Batch at(long globalSample) {
        return new Batch(globalSample, samples, input, target);
    }

    /** Returns the part of {@code count} samples starting at {@code first}. */
    public Batch slice(int first, int count) {
        return new Batch(
                firstSample + first,
                count,
                input.samples(first, count),
                target.samples(first, count));
    }

    /**
     * Returns how many targets a loss is the mean of: the elements of the target, without the
     * ignored labels and tokens. Reads them.
     */
    public long targets() {
        long elements = samples * target.elementsPerSample();
        if (target.type() == Field.Type.FLOAT32) {
            return elements;
        }
        long counted = 0;
        for (long i = 0; i < elements; i++) {
            if (target.data().get(TARGET, 4 * i) != Kernels.IGNORED_TARGET) {
                counted++;
            }
        }
        return counted;
    }
}
