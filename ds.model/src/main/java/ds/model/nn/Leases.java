package ds.model.nn;

import ds.core.FlatBuffer;
import ds.model.BackwardContext;
import ds.model.ForwardContext;
import ds.model.Lease;
import ds.model.Unit;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The units that a pass has open, and when each may be completed. A unit is acquired when the first
 * of its parameters is read inside it (a backward step that needs no value gathers nothing) and
 * released when the outermost scope ends.
 *
 * <p>Completion: in the reverse of first-use order, each after its last use; units that were never
 * used come last, in the reverse of layout order.
 */
final class Leases {
    private final List<Unit> units;
    private final @Nullable Lease[] leases; // null: not acquired
    private final int[] depth;
    private final boolean[] used;
    private final int[] order;
    private final int[] firstUse;
    private int usedCount;
    private boolean noting;
    private @Nullable ForwardContext context; // of the pass in progress

    Leases(List<Unit> units) {
        this.units = units;
        int count = units.size();
        this.leases = new Lease[count];
        this.depth = new int[count];
        this.used = new boolean[count];
        this.order = new int[count];
        this.firstUse = new int[count];
    }

    void begin(ForwardContext newContext, boolean training) {
        context = newContext;
        noting = training;
        usedCount = 0;
        Arrays.fill(used, false);
        Arrays.fill(depth, 0);
    }

    void beginBackward(BackwardContext newContext) {
        context = newContext;
        noting = false;
    }

    void enter(int unit) {
        depth[unit]++;
    }

    void leave(int unit) {
        if (--depth[unit] == 0) {
            close(unit);
        }
    }

    private void close(int unit) {
        Lease lease = leases[unit];
        if (lease != null) {
            leases[unit] = null;
            lease.close();
        }
    }

    /** Notes that the operation at {@code position} uses {@code unit}. */
    void use(int unit, int position) {
        if (noting && !used[unit]) {
            used[unit] = true;
            firstUse[usedCount] = position;
            order[usedCount++] = unit;
        }
    }

    /** Returns the values of a parameter whose unit is entered. */
    FlatBuffer parameter(Slot slot, int position) {
        int unit = slot.unit();
        use(unit, position);
        use(slot.storageUnit(), position);
        if (noting) {
            slot.use();
        }
        Lease lease = leases[unit];
        if (lease == null) {
            lease = Gradients.present(context).acquire(units.get(unit));
            leases[unit] = lease;
        }
        return lease.parameter(slot.parameter());
    }

    /** Returns the next unit to complete, one first used at {@code position}; −1 if there is none. */
    int nextToComplete(int position) {
        boolean any = usedCount > 0 && firstUse[usedCount - 1] == position;
        return any ? order[--usedCount] : -1;
    }

    void complete(int unit, BackwardContext backward) {
        backward.complete(units.get(unit));
    }

    void completeUnused(BackwardContext backward) {
        for (int unit = units.size() - 1; unit >= 0; unit--) {
            if (!used[unit]) {
                backward.complete(units.get(unit));
            }
        }
    }

    /** Gives back what a failed pass left open. */
    void closeAll() {
        for (int unit = 0; unit < depth.length; unit++) {
            close(unit);
        }
    }
}
