package ds.engine.plan;

import ds.config.ParameterGroup;
import java.util.List;
import java.util.Optional;

/**
 * What the planner has to know beside model and configuration.
 *
 * @param ranks data-parallel ranks, at least 1
 * @param workersPerRank worker threads of each rank; empty takes {@code jvm.workers}, or max(1,
 *     cores / ranks)
 * @param seed overrides the configuration's; empty takes {@code jvm.seed}
 * @param plannedSteps steps that will be made, if known
 * @param targetsPerSample targets in one sample: tokens, for text
 * @param groups of parameters for which something is different; before the configuration's own
 * @param layer where providers are looked up
 */
public record PlanInputs(
        int ranks,
        Optional<Integer> workersPerRank,
        Optional<Long> seed,
        Optional<Long> plannedSteps,
        long targetsPerSample,
        List<ParameterGroup> groups,
        ModuleLayer layer) {
    /** Copies the groups. */
    public PlanInputs {
        groups = List.copyOf(groups);
    }
}
