package ds.model;

import java.util.List;

/**
 * The parameters that are gathered, completed and released together: a layer, a block.
 *
 * @param name unique in the model
 * @param parameters in declaration order; may be empty
 * @param beside the names of other units that are on loan while this one is, for the plan's memory
 */
public record Unit(String name, List<Parameter> parameters, List<String> beside) {
    /** Copies the lists. */
    public Unit {
        parameters = List.copyOf(parameters);
        beside = List.copyOf(beside);
    }

    /** Creates a unit that is on loan alone, but for what its parameters are tied to. */
    public Unit(String name, List<Parameter> parameters) {
        this(name, parameters, List.of());
    }
}
