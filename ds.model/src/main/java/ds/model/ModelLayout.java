package ds.model;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The units of a model in layout order, and which parameters share storage. Immutable. */
public final class ModelLayout {
    private final List<Unit> units;
    private final Map<String, Parameter> owners = new HashMap<>();
    private final Map<String, Unit> unitOf = new HashMap<>();

    /**
     * Checks that names are unique and known, and that tied parameters agree in shape and trainability.
     *
     * @throws IllegalArgumentException naming the parameter or unit at fault
     */
    public ModelLayout(List<Unit> units) {
        this.units = List.copyOf(units);
        Map<String, Parameter> firstOfTie = new HashMap<>();
        Set<String> unitNames = new HashSet<>();
        for (Unit unit : this.units) {
            if (!unitNames.add(unit.name())) {
                throw new IllegalArgumentException(
                        "Two units are named '%s'; give each its own name.".formatted(unit.name()));
            }
            for (Parameter parameter : unit.parameters()) {
                if (unitOf.putIfAbsent(parameter.name(), unit) != null) {
                    throw new IllegalArgumentException(
                            "Two parameters are named '%s'; give each its own name."
                                    .formatted(parameter.name()));
                }
                Parameter first =
                        parameter.tieKey().isEmpty()
                                ? parameter
                                : firstOfTie.computeIfAbsent(
                                        parameter.tieKey().get(), _ -> parameter);
                if (!first.shape().equals(parameter.shape())
                        || first.trainable() != parameter.trainable()) {
                    throw new IllegalArgumentException(
                            "'%s' %s is tied to '%s' %s; tied parameters need one shape and one trainable flag."
                                    .formatted(
                                            parameter.name(),
                                            parameter.shape(),
                                            first.name(),
                                            first.shape()));
                }
                owners.put(parameter.name(), first);
            }
        }
        for (Unit unit : this.units) {
            if (!unitNames.containsAll(unit.beside())) {
                throw new IllegalArgumentException(
                        "Unit '%s' is on loan beside %s, which are not all units of the model."
                                .formatted(unit.name(), unit.beside()));
            }
        }
    }

    /** Returns the units in layout order. */
    public List<Unit> units() {
        return units;
    }

    /** Returns the parameter whose storage {@code parameter} uses: itself unless it is tied. */
    public Parameter storage(Parameter parameter) {
        Parameter owner = owners.get(parameter.name());
        if (owner == null) {
            throw new IllegalArgumentException(
                    "Parameter '%s' is not part of this model.".formatted(parameter.name()));
        }
        return owner;
    }

    /** Returns the unit that declares {@code parameter}. */
    public Unit unitOf(Parameter parameter) {
        Unit unit = unitOf.get(parameter.name());
        if (unit == null) {
            throw new IllegalArgumentException(
                    "Parameter '%s' is not part of this model.".formatted(parameter.name()));
        }
        return unit;
    }

    /** Returns the parameters that own storage, in layout order: tied ones appear once. */
    public List<Parameter> storages() {
        return units.stream()
                .flatMap(unit -> unit.parameters().stream())
                .filter(parameter -> storage(parameter) == parameter)
                .toList();
    }

    /** Returns the number of stored elements, tied ones counted once. */
    public long elements() {
        return storages().stream().mapToLong(Parameter::elements).sum();
    }
}
