package ds.zero;

import java.util.List;

/**
 * Reads a rank's parts of units from its file before the units are asked for, in the order in which
 * they were gathered in the step before. Where another one is asked for, what was read in vain is given
 * up and the new order learnt. Owned by the rank's thread.
 */
final class ReadAhead {
    private final GatherOrder order;
    private final ReadAheadBounds bounds;
    private final OwnedSpace held;
    private final ShardHome home;
    private List<Integer> ahead = List.of();

    ReadAhead(PartitionMap map, ReadAheadBounds bounds, OwnedSpace held, ShardHome home) {
        this.order = new GatherOrder(map.layout().units().size());
        this.bounds = bounds;
        this.held = held;
        this.home = home;
    }

    /**
     * Notes that a unit was gathered, and reads those that come next.
     *
     * @param liveElements the most that are on loan at once
     */
    void gathered(int unit, long liveElements) {
        order.gathered(unit);
        follow(liveElements);
    }

    /** Notes that all units have new values, and reads those with which the next step begins. */
    void published(long liveElements) {
        order.published();
        follow(liveElements);
    }

    /** Gives up what does not fit beside {@code liveElements}, and reads what does. */
    void follow(long liveElements) {
        if (bounds.none()) {
            return;
        }
        List<Integer> next = bounds.fitting(order.after(), liveElements);
        for (int unit : ahead) {
            if (!next.contains(unit)) {
                parts(unit).forEach(run -> home.forget(run.offset(), run.length()));
            }
        }
        ahead = next;
        for (int unit : ahead) {
            parts(unit).forEach(run -> home.prefetch(run.offset(), run.length()));
        }
    }

    private List<OwnedSpace.Run> parts(int unit) {
        return held.runs().stream().filter(run -> run.unit() == unit).toList();
    }
}
