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
 */
public record ParameterStorage(RestingPlace place, long maxInMemoryElements) {
    /** Checks the range. */
    public ParameterStorage {
        if (maxInMemoryElements < 0) {
            throw new IllegalArgumentException(
                    "Elements in memory must be 0 or more, were %,d."
                            .formatted(maxInMemoryElements));
        }
    }

    /** Returns storage with everything at {@code place}. */
    public static ParameterStorage at(RestingPlace place) {
        return new ParameterStorage(place, 0);
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
