package ds.testkit;

import ds.offload.StorageException;
import ds.offload.StoreLocation;

/** What came of going on from a {@link StoreRig}'s store as it lies there. */
enum Reopened {
    /** The state of its last step. */
    WHOLE,
    /** A wrong state, or an older one. */
    LOST,
    /** An error. */
    REFUSED;

    /** Goes on from a store of two generations whose last commit was of step {@code step}. */
    static Reopened of(StoreLocation location, long step) {
        try (StoreRig rig = StoreRig.reopen(location, Loss.UNSYNCED, 2)) {
            rig.recover();
            if (rig.step() != step) {
                return LOST;
            }
            rig.assertWhole();
            return WHOLE;
        } catch (StorageException e) {
            return REFUSED;
        } catch (AssertionError e) {
            return LOST;
        }
    }
}
