package ds.config;

import ds.core.KeyDeclaration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a check may take into account besides the document.
 *
 * @param worldSize data-parallel ranks, if known: then the batch sizes are checked against it
 * @param warnOnUnknownKeys overrides {@code jvm.unknown_keys}, if present
 * @param optimizers settings of the optimizers that exist, by name; empty: types are not checked
 * @param schedulers settings of the schedules that exist, by name; empty: types are not checked
 */
public record CheckOptions(
        OptionalInt worldSize,
        Optional<Boolean> warnOnUnknownKeys,
        Map<String, List<KeyDeclaration>> optimizers,
        Map<String, List<KeyDeclaration>> schedulers) {
    private static final CheckOptions NONE =
            new CheckOptions(OptionalInt.empty(), Optional.empty(), Map.of(), Map.of());

    /** Copies the maps and refuses a world without ranks. */
    public CheckOptions {
        optimizers = Map.copyOf(optimizers);
        schedulers = Map.copyOf(schedulers);
        if (worldSize.isPresent() && worldSize.getAsInt() < 1) {
            throw new IllegalArgumentException(
                    "World size must be 1 or more, was %d.".formatted(worldSize.getAsInt()));
        }
    }

    /** Returns options under which only the document counts. */
    public static CheckOptions none() {
        return NONE;
    }

    /** Returns these options with a number of ranks, 1 or more. */
    public CheckOptions worldSize(int ranks) {
        return new CheckOptions(OptionalInt.of(ranks), warnOnUnknownKeys, optimizers, schedulers);
    }

    /** Returns these options with unknown keys as warnings ({@code true}) or errors. */
    public CheckOptions warnOnUnknownKeys(boolean warn) {
        return new CheckOptions(worldSize, Optional.of(warn), optimizers, schedulers);
    }

    /** Returns these options with the plug-ins that exist and their settings, by name. */
    public CheckOptions plugins(
            Map<String, List<KeyDeclaration>> newOptimizers,
            Map<String, List<KeyDeclaration>> newSchedulers) {
        return new CheckOptions(worldSize, warnOnUnknownKeys, newOptimizers, newSchedulers);
    }
}
