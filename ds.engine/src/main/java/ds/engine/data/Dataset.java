package ds.engine.data;

import ds.model.Batch;
import ds.model.Field;
import ds.model.spi.ModelProvider.DataShape;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Map;

/** A fixed number of samples, numbered from 0, all of one shape. Immutable; any thread may read. */
public interface Dataset {
    /** Returns the number of samples, at least 1. */
    long samples();

    /** Returns what a model needs to know to fit its ends to the data. */
    DataShape shape();

    /** Returns the element type of inputs. */
    Field.Type inputType();

    /** Returns the sizes of one input sample. */
    List<Integer> inputShape();

    /** Returns the element type of targets: INT32 for labels and tokens. */
    Field.Type targetType();

    /** Returns the sizes of one target sample; empty for a class label. */
    List<Integer> targetShape();

    /** Returns the targets of one sample: its tokens, for text; 1 for a label or a vector. */
    default long targetsPerSample() {
        long targets = 1;
        if (targetType() == Field.Type.INT32) {
            for (int size : targetShape()) {
                targets = Math.multiplyExact(targets, (long) size);
            }
        }
        return targets;
    }

    /** Returns one line for people: what it is, how many samples, of what. */
    String describe();

    /**
     * Returns what it takes to read and prepare the same kind of data again: stored in checkpoints,
     * so that {@code ds sample} and {@code ds eval} need no more than the directory. Keys are
     * {@code kind}, the reader's own, and those of the shape, which {@link Datasets#shape} reads.
     */
    Map<String, String> info();

    /** Writes sample {@code index} to row {@code row} of a batch made by {@link #allocate}. */
    void fill(long index, Batch batch, int row);

    /**
     * Cuts off the last part for validation.
     *
     * @param trainShare the part to train on, above 0 and below 1; 0.95 holds out the last 5 %
     * @throws DataException if either part would have no sample
     */
    Split split(double trainShare);

    /** Allocates a batch that {@link #fill} can write to. */
    default Batch allocate(SegmentAllocator memory, int samples) {
        return new Batch(
                0,
                samples,
                field(memory, samples, inputType(), inputShape()),
                field(memory, samples, targetType(), targetShape()));
    }

    /**
     * Writes {@code batch.samples()} samples of the run to {@code batch}, starting with global
     * sample {@code batch.firstSample()}, in the order of {@code order}.
     */
    default void fill(SampleOrder order, Batch batch) {
        for (int row = 0; row < batch.samples(); row++) {
            fill(order.index(batch.firstSample() + row), batch, row);
        }
    }

    private static Field field(
            SegmentAllocator memory, int samples, Field.Type type, List<Integer> shape) {
        long elements = samples;
        for (int size : shape) {
            elements = Math.multiplyExact(elements, (long) size);
        }
        return new Field(type, shape, memory.allocate(4 * elements, 64));
    }
}
