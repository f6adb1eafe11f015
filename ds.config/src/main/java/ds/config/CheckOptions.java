package ds.config;

import ds.core.KeyDeclaration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a check may take into account besides the document.
 *
 * @param worldSize ranks, if known: then the batch sizes are checked against them
 * @param dataParallelSize ranks that hold different samples, if the caller's groups say so
 * @param sequenceParallelSize ranks that share one sequence, if the caller's groups say so
 * @param warnOnUnknownKeys overrides {@code jvm.unknown_keys}, if present
 * @param optimizers settings of the optimizers that exist, by name; empty: types are not checked
 * @param schedulers settings of the schedules that exist, by name; empty: types are not checked
 * @param environment variables that job schedulers set, by name
 */
public record CheckOptions(
        OptionalInt worldSize,
        OptionalInt dataParallelSize,
        OptionalInt sequenceParallelSize,
        Optional<Boolean> warnOnUnknownKeys,
        Map<String, List<KeyDeclaration>> optimizers,
        Map<String, List<KeyDeclaration>> schedulers,
        Map<String, String> environment) {
    private static final CheckOptions NONE =
            new CheckOptions(
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    Optional.empty(),
                    Map.of(),
                    Map.of(),
                    Map.of());

    /** Copies the maps and refuses a world or a group without ranks. */
    public CheckOptions {
        optimizers = Map.copyOf(optimizers);
        schedulers = Map.copyOf(schedulers);
        environment = Map.copyOf(environment);
        atLeastOne("World size", worldSize);
        atLeastOne("Data-parallel size", dataParallelSize);
        atLeastOne("Sequence-parallel size", sequenceParallelSize);
    }

    private static void atLeastOne(String what, OptionalInt size) {
        if (size.isPresent() && size.getAsInt() < 1) {
            throw new IllegalArgumentException(
                    "%s must be 1 or more, was %d.".formatted(what, size.getAsInt()));
        }
    }

    /** Returns options under which only the document counts. */
    public static CheckOptions none() {
        return NONE;
    }

    /** Returns these options with a number of ranks, 1 or more. */
    public CheckOptions worldSize(int ranks) {
        return new CheckOptions(
                OptionalInt.of(ranks),
                dataParallelSize,
                sequenceParallelSize,
                warnOnUnknownKeys,
                optimizers,
                schedulers,
                environment);
    }

    /** Returns these options with the ranks that hold different samples, 1 or more. */
    public CheckOptions dataParallelSize(int ranks) {
        return new CheckOptions(
                worldSize,
                OptionalInt.of(ranks),
                sequenceParallelSize,
                warnOnUnknownKeys,
                optimizers,
                schedulers,
                environment);
    }

    /** Returns these options with the ranks that share one sequence, 1 or more. */
    public CheckOptions sequenceParallelSize(int ranks) {
        return new CheckOptions(
                worldSize,
                dataParallelSize,
                OptionalInt.of(ranks),
                warnOnUnknownKeys,
                optimizers,
                schedulers,
                environment);
    }

    /** Returns these options with unknown keys as warnings ({@code true}) or errors. */
    public CheckOptions warnOnUnknownKeys(boolean warn) {
        return new CheckOptions(
                worldSize,
                dataParallelSize,
                sequenceParallelSize,
                Optional.of(warn),
                optimizers,
                schedulers,
                environment);
    }

    /** Returns these options with the plug-ins that exist and their settings, by name. */
    public CheckOptions plugins(
            Map<String, List<KeyDeclaration>> newOptimizers,
            Map<String, List<KeyDeclaration>> newSchedulers) {
        return new CheckOptions(
                worldSize,
                dataParallelSize,
                sequenceParallelSize,
                warnOnUnknownKeys,
                newOptimizers,
                newSchedulers,
                environment);
    }

    /** Returns these options with environment variables, such as {@code System.getenv()}. */
    public CheckOptions environment(Map<String, String> variables) {
        return new CheckOptions(
                worldSize,
                dataParallelSize,
                sequenceParallelSize,
                warnOnUnknownKeys,
                optimizers,
                schedulers,
                variables);
    }
}
