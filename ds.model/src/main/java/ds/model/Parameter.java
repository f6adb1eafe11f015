package ds.model;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One tensor of a model.
 *
 * @param name unique in the model: {@code blocks.0.wqkv}
 * @param shape row-major sizes, each at least 1
 * @param init how it starts
 * @param trainable false: no master, state or gradient; still sharded at stage 3
 * @param tieKey parameters with one key share the storage of the first one in layout order
 * @param tags free words that optimizers and groups may look at: {@code bias}, {@code norm},
 *     {@code embedding}, {@code head}
 * @param externalName the tensor's name in foreign files, if another
 */
public record Parameter(
        String name,
        List<Integer> shape,
        Init init,
        boolean trainable,
        Optional<String> tieKey,
        Set<String> tags,
        Optional<String> externalName) {

    /** Copies collections and checks the shape. */
    public Parameter {
        shape = List.copyOf(shape);
        tags = Set.copyOf(tags);
        if (name.isBlank() || shape.isEmpty() || shape.stream().anyMatch(size -> size < 1)) {
            throw new IllegalArgumentException(
                    "Parameter '%s' has shape %s; it needs a name and sizes of at least 1."
                            .formatted(name, shape));
        }
    }

    /** Creates a trainable, untied parameter. */
    public static Parameter of(String name, Init init, Integer... shape) {
        return new Parameter(
                name, List.of(shape), init, true, Optional.empty(), Set.of(), Optional.empty());
    }

    /** Returns this parameter sharing the storage of all others with {@code key}. */
    public Parameter tied(String key) {
        return new Parameter(name, shape, init, trainable, Optional.of(key), tags, externalName);
    }

    /** Returns this parameter, not trained. */
    public Parameter frozen() {
        return new Parameter(name, shape, init, false, tieKey, tags, externalName);
    }

    /** Returns this parameter with tags. */
    public Parameter tagged(String... words) {
        return new Parameter(name, shape, init, trainable, tieKey, Set.of(words), externalName);
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
