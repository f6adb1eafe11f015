package ds.optim.spi;

import java.util.List;
import java.util.Set;

/**
 * What an optimizer may know about a parameter.
 *
 * @param name unique in the model
 * @param shape row-major sizes
 * @param tags free words: {@code bias}, {@code norm}, {@code embedding}
 */
public record ParameterSpec(String name, List<Integer> shape, Set<String> tags) {
    /** Copies the collections. */
    public ParameterSpec {
        shape = List.copyOf(shape);
        tags = Set.copyOf(tags);
    }
}
