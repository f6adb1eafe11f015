package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A value on a {@link Tape}: a shape over elements in the run's activation type. Valid during the
 * forward pass that made it; the tape uses the object again in the next one. All dimensions but the
 * last are rows, so every tensor is also a matrix of {@link #rows()} × {@link #width()}.
 */
public final class Tensor {
    /** The most dimensions a tensor can have. */
    public static final int MAX_RANK = 5;

    private final int[] sizes = new int[MAX_RANK];
    private int rank;
    private long elements;
    private @Nullable FlatBuffer values; // absent only before the first use

    /** Position on the tape. */
    int index;

    /** The memory of the values; null for data that the tape does not own. */
    Buffers.@Nullable Block block;

    /** The gradient so far, during the backward pass. */
    Buffers.@Nullable Block gradient;

    /** Whether a gradient of this tensor leads to a parameter. */
    boolean wantsGradient;

    /** A loss in full precision; NaN for all other tensors. */
    double loss;

    Tensor() {}

    /** Returns the number of dimensions. */
    public int rank() {
        return rank;
    }

    /** Returns the size of a dimension; negative ones count from the end. */
    public int size(int dimension) {
        int i = dimension < 0 ? rank + dimension : dimension;
        if (i < 0 || i >= rank) {
            throw new IllegalArgumentException(
                    "Tensor %s has no dimension %d.".formatted(shape(), dimension));
        }
        return sizes[i];
    }

    /** Returns the sizes of all dimensions. */
    public List<Integer> shape() {
        List<Integer> shape = new ArrayList<>(rank);
        for (int i = 0; i < rank; i++) {
            shape.add(sizes[i]);
        }
        return shape;
    }

    /** Returns the size of the last dimension. */
    public int width() {
        return sizes[rank - 1];
    }

    /** Returns the product of all dimensions but the last. */
    public int rows() {
        return Math.toIntExact(elements / sizes[rank - 1]);
    }

    /** Returns the number of elements. */
    public long elements() {
        return elements;
    }

    /** Returns the type in which the elements are stored. */
    public DType type() {
        return values().type();
    }

    /** Returns the elements, row-major; not to be written. */
    public FlatBuffer values() {
        FlatBuffer present = values;
        if (present == null) {
            throw new IllegalStateException("This tensor belongs to no pass.");
        }
        return present;
    }

    void setShape(int... dimensions) {
        if (dimensions.length < 1 || dimensions.length > MAX_RANK) {
            throw new IllegalArgumentException(
                    "A tensor has 1 to %d dimensions, was given %s."
                            .formatted(MAX_RANK, Arrays.toString(dimensions)));
        }
        rank = dimensions.length;
        elements = 1;
        for (int i = 0; i < rank; i++) {
            if (dimensions[i] < 1) {
                throw new IllegalArgumentException(
                        "Each dimension must be at least 1, was given %s."
                                .formatted(Arrays.toString(dimensions)));
            }
            sizes[i] = dimensions[i];
            elements = Math.multiplyExact(elements, (long) dimensions[i]);
        }
    }

    /** Takes the shape of {@code x}, its last dimension replaced. */
    void setShapeLike(Tensor x, int width) {
        rank = x.rank;
        System.arraycopy(x.sizes, 0, sizes, 0, rank);
        sizes[rank - 1] = width;
        elements = x.elements / x.width() * width;
    }

    void setValues(FlatBuffer newValues) {
        values = newValues;
    }

    /** Returns the part of the gradient's block that is in use. */
    FlatBuffer gradientValues() {
        Buffers.Block present = gradient;
        if (present == null) {
            throw new IllegalStateException("Tensor %s has no gradient.".formatted(shape()));
        }
        return present.view(type(), elements);
    }
}
