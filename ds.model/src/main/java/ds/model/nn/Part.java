package ds.model.nn;

import ds.model.Init;
import ds.model.Parameter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Something that owns parameters: a layer, an embedding, a network. Parts are declared once, in the
 * constructor of the part that contains them; they hold no values and are used by all ranks at once.
 *
 * <p>A part is a unit (gathered and released together) if it is added to a {@link Network}, or with
 * {@link #addUnit}; the parameters of other parts belong to the unit around them.
 */
public abstract class Part {
    static final int NO_UNIT = -1;

    private final String name;
    private final String prefix;
    private final List<Parameter> parameters = new ArrayList<>();
    private final List<Parameter> borrowed = new ArrayList<>();
    private final List<Part> parts = new ArrayList<>();
    private boolean added;
    private boolean unit;
    private int unitIndex = NO_UNIT;

    /** Creates a part whose parameters are called {@code name.something}. */
    protected Part(String name) {
        this(name, name);
    }

    /**
     * Creates a part.
     *
     * @param name unique in the network; the unit's name
     * @param prefix what its parameters' names start with, before a dot; may be empty
     */
    protected Part(String name, String prefix) {
        this.name = name;
        this.prefix = prefix;
    }

    /** Returns the name given at construction. */
    public final String name() {
        return name;
    }

    /** Returns {@code shortName} behind this part's prefix: the name of a parameter or part inside. */
    protected final String path(String shortName) {
        return prefix.isEmpty() ? shortName : prefix + "." + shortName;
    }

    /** Declares a parameter of this part. */
    protected final Parameter parameter(String shortName, Init init, Integer... shape) {
        return parameter(Parameter.of(path(shortName), init, shape));
    }

    /** Declares a vector that starts at 1 and scales normalized rows; tagged {@code norm}. */
    protected final Parameter gain(String shortName, int length) {
        return parameter(Parameter.of(path(shortName), Init.ONE, length).tagged("norm"));
    }

    /**
     * Declares a vector that starts at 0 and is added to normalized rows; tagged {@code norm} and
     * {@code bias}.
     */
    protected final Parameter shift(String shortName, int length) {
        return parameter(Parameter.of(path(shortName), Init.ZERO, length).tagged("norm", "bias"));
    }

    /** Declares a vector that starts at 0 and is added to rows; tagged {@code bias}. */
    protected final Parameter bias(String shortName, int length) {
        return parameter(Parameter.of(path(shortName), Init.ZERO, length).tagged("bias"));
    }

    /** Declares a parameter of this part with a full name: a tied, frozen or tagged one. */
    protected final Parameter parameter(Parameter parameter) {
        parameters.add(parameter);
        return parameter;
    }

    /**
     * Says that this part reads a parameter of another unit, so that both are on loan at once and the
     * plan counts both. What is borrowed without a word is lent as well.
     */
    protected final Parameter borrow(Parameter parameter) {
        borrowed.add(parameter);
        return parameter;
    }

    /**
     * Declares a part inside this one.
     *
     * @throws IllegalArgumentException if it was added somewhere already
     */
    protected final <P extends Part> P add(P part) {
        if (part.isAdded()) {
            throw new IllegalArgumentException(
                    "Part '%s' was added already; a part belongs to one other."
                            .formatted(part.name()));
        }
        part.markAdded();
        parts.add(part);
        return part;
    }

    /** Declares a part inside this one that is a unit of its own. */
    protected final <P extends Part> P addUnit(P part) {
        add(part);
        part.markUnit();
        return part;
    }

    final List<Parameter> parameters() {
        return Collections.unmodifiableList(parameters);
    }

    final List<Parameter> borrowed() {
        return Collections.unmodifiableList(borrowed);
    }

    final List<Part> parts() {
        return Collections.unmodifiableList(parts);
    }

    final boolean isAdded() {
        return added;
    }

    final void markAdded() {
        added = true;
    }

    final boolean isUnit() {
        return unit;
    }

    final void markUnit() {
        unit = true;
    }

    /** Returns the position of this part's own unit in the layout, or {@link #NO_UNIT}. */
    final int unitIndex() {
        return unitIndex;
    }

    final void setUnitIndex(int index) {
        unitIndex = index;
    }
}
