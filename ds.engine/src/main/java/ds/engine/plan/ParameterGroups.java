package ds.engine.plan;

import ds.config.DsConfig;
import ds.config.ParameterGroup;
import ds.core.Diagnostic;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Unit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Which parameters of a model each group has caught: every parameter the first that it fits. */
final class ParameterGroups {
    /**
     * A group with what it caught.
     *
     * @param rule conditions and differences
     * @param pointer of its entry in the document; empty if the program gave it
     * @param parameters names, in layout order
     * @param elements of all of them
     */
    record Caught(
            ParameterGroup rule, Optional<String> pointer, List<String> parameters, long elements) {
        /** Returns how messages call this group. */
        String name() {
            return "'%s'".formatted(rule.conditions());
        }
    }

    private final List<Caught> groups = new ArrayList<>();
    private final Map<String, Caught> groupOf = new HashMap<>();

    private ParameterGroups() {}

    /** Sorts the parameters of {@code layout}; a group that catches none is a problem. */
    static ParameterGroups of(
            ModelLayout layout,
            DsConfig config,
            List<ParameterGroup> given,
            List<Diagnostic> problems) {
        ParameterGroups result = new ParameterGroups();
        List<ParameterGroup> written = config.parameterGroups();
        given.forEach(rule -> result.add(layout, rule, Optional.empty()));
        for (int i = 0; i < written.size(); i++) {
            result.add(layout, written.get(i), Optional.of("/jvm/parameter_groups/" + i));
        }
        result.groups.stream()
                .filter(group -> group.parameters().isEmpty())
                .forEach(group -> problems.add(config.locate(empty(layout, group))));
        return result;
    }

    private void add(ModelLayout layout, ParameterGroup rule, Optional<String> pointer) {
        List<Parameter> caught =
                layout.storages().stream()
                        .filter(parameter -> !groupOf.containsKey(parameter.name()))
                        .filter(parameter -> fits(layout, rule, parameter))
                        .toList();
        Caught group =
                new Caught(
                        rule,
                        pointer,
                        caught.stream().map(Parameter::name).toList(),
                        caught.stream().mapToLong(Parameter::elements).sum());
        groups.add(group);
        caught.forEach(parameter -> groupOf.put(parameter.name(), group));
    }

    private static boolean fits(ModelLayout layout, ParameterGroup rule, Parameter parameter) {
        return rule.contains(
                parameter.name(),
                parameter.shape().size(),
                parameter.tags(),
                layout.unitOf(parameter).name());
    }

    private static Diagnostic empty(ModelLayout layout, Caught group) {
        List<Parameter> all = layout.storages();
        boolean taken = all.stream().anyMatch(parameter -> fits(layout, group.rule(), parameter));
        return Diagnostic.refused(
                "empty-group",
                group.pointer().orElse(""),
                taken
                        ? "The group %s catches no parameter that an earlier group has not caught."
                                .formatted(group.name())
                        : "The group %s catches no parameter of this model."
                                .formatted(group.name()),
                taken
                        ? "Put it before that group, or remove it."
                        : "Parameters are called %s, ... in units %s, ..."
                                .formatted(
                                        all.stream().limit(3).map(Parameter::name).toList(),
                                        layout.units().stream().limit(3).map(Unit::name).toList()));
    }

    List<Caught> groups() {
        return List.copyOf(groups);
    }

    /** Returns the group of a parameter; empty if no group caught it. */
    Optional<Caught> of(String parameter) {
        return Optional.ofNullable(groupOf.get(parameter));
    }

    /** Returns the layout in which what is frozen is not trained; the same if nothing is. */
    ModelLayout frozen(ModelLayout layout) {
        if (groups.stream().noneMatch(group -> group.rule().frozen())) {
            return layout;
        }
        List<Unit> units = new ArrayList<>();
        for (Unit unit : layout.units()) {
            units.add(
                    new Unit(
                            unit.name(),
                            unit.parameters().stream()
                                    .map(
                                            parameter ->
                                                    isFrozen(layout, parameter)
                                                            ? parameter.frozen()
                                                            : parameter)
                                    .toList()));
        }
        return new ModelLayout(units);
    }

    private boolean isFrozen(ModelLayout layout, Parameter parameter) {
        return of(layout.storage(parameter).name()).filter(g -> g.rule().frozen()).isPresent();
    }
}
