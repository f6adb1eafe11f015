package ds.engine.checkpoint;

import ds.model.ModelLayout;
import ds.model.Parameter;
import java.util.List;

/**
 * A stored parameter of a model.
 *
 * @param name the parameter's name
 * @param shape row-major sizes
 * @param trainable false for a frozen parameter, which is stored as kind {@code frozen}
 */
public record TensorShape(String name, List<Integer> shape, boolean trainable) {
    /** Copies the shape. */
    public TensorShape {
        shape = List.copyOf(shape);
    }

    /** Returns the stored parameters of a model, tied ones once, in layout order. */
    public static List<TensorShape> of(ModelLayout layout) {
        return layout.storages().stream().map(TensorShape::of).toList();
    }

    private static TensorShape of(Parameter parameter) {
        return new TensorShape(parameter.name(), parameter.shape(), parameter.trainable());
    }

    /** Returns the number of elements. */
    public long elements() {
        long product = 1;
        for (int size : shape) {
            product = Math.multiplyExact(product, (long) size);
        }
        return product;
    }
}
