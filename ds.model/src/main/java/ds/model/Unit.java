package ds.model;

import java.util.List;

/**
 * The parameters that are gathered, completed and released together: a layer, a block.
 *
 * @param name unique in the model
 * @param parameters in declaration order; may be empty
 */
public record Unit(String name, List<Parameter> parameters) {
    /** Copies the list. */
    public Unit {
        parameters = List.copyOf(parameters);
    }
}
