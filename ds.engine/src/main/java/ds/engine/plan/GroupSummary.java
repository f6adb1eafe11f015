package ds.engine.plan;

import java.util.List;

/**
 * A group of parameters with settings of its own, for people.
 *
 * @param conditions which parameters it asks for
 * @param differences what is different for them
 * @param parameters names of those it caught, in layout order
 * @param elements of all of them
 */
public record GroupSummary(
        String conditions, String differences, List<String> parameters, long elements) {
    /** Copies the list. */
    public GroupSummary {
        parameters = List.copyOf(parameters);
    }

    static GroupSummary of(ParameterGroups.Caught group) {
        StringBuilder text = new StringBuilder();
        var rule = group.rule();
        rule.lr().ifPresent(lr -> text.append("lr ").append(lr).append(' '));
        if (rule.lrMultiplier() != 1) {
            text.append("lr x ").append(rule.lrMultiplier()).append(' ');
        }
        rule.weightDecay()
                .ifPresent(decay -> text.append("weight_decay ").append(decay).append(' '));
        rule.betas().ifPresent(betas -> text.append("betas ").append(betas).append(' '));
        text.append(rule.frozen() ? "frozen" : "");
        return new GroupSummary(
                rule.conditions(), text.toString().strip(), group.parameters(), group.elements());
    }
}
