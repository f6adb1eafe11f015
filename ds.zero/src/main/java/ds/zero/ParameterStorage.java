package ds.zero;

import ds.offload.RestingPlace;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where a rank's working parameters rest.
 *
 * @param place other than on the device only if they are sharded
 * @param maxInMemoryElements most elements of a rank that stay in memory where {@code place} is on
 *     NVMe, 0 or more; of no effect elsewhere
 * @param aheadElements most elements of the units that are read ahead of their use at once where
 *     {@code place} is on NVMe, but always the next unit; 0 reads none ahead; of no effect elsewhere
 */
public record ParameterStorage(RestingPlace place, long maxInMemoryElements, long aheadElements) {
    /** Checks the ranges. */
    public ParameterStorage {
        requireNotNegative("in memory", maxInMemoryElements);
        requireNotNegative("read ahead", aheadElements);
    }

    private static void requireNotNegative(String which, long elements) {
        if (elements < 0) {
            throw new IllegalArgumentException(
                    "Elements %s must be 0 or more, were %,d.".formatted(which, elements));
        }
    }

    /** Creates storage of which as many units are read ahead as fit. */
    public ParameterStorage(RestingPlace place, long maxInMemoryElements) {
        this(place, maxInMemoryElements, Long.MAX_VALUE);
    }

    /** Returns storage with everything at {@code place}. */
    public static ParameterStorage at(RestingPlace place) {
        return new ParameterStorage(place, 0);
    }

    /** Returns this storage, read ahead by another number of elements. */
    public ParameterStorage withAhead(long elements) {
        return new ParameterStorage(place, maxInMemoryElements, elements);
    }

    /**
     * Returns the runs that rest in a file, in order. A unit's part is in memory whole or not at all:
     * what still fits stays there, first units first.
     *
     * @param held what a rank keeps
     */
    public List<OwnedSpace.Run> stored(OwnedSpace held) {
        if (!(place instanceof RestingPlace.OnNvme)) {
            return List.of();
        }
        Map<Integer, Long> parts = new LinkedHashMap<>();
        held.runs().forEach(run -> parts.merge(run.unit(), run.length(), Long::sum));
        Set<Integer> kept = new HashSet<>();
        long left = maxInMemoryElements;
        for (Map.Entry<Integer, Long> part : parts.entrySet()) {
            if (part.getValue() <= left) {
                left -= part.getValue();
                kept.add(part.getKey());
            }
        }
        return held.runs().stream().filter(run -> !kept.contains(run.unit())).toList();
    }
}
