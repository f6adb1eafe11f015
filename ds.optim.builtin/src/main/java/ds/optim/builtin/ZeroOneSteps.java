package ds.optim.builtin;

/**
 * When 0/1 Adam does what, as pure functions of the step, counted from 1. DeepSpeed counts one more:
 * its first call only makes buffers.
 *
 * @param freezeStep the last step before the variance freezes
 * @param varianceScaler how many variance updates go by before their interval doubles
 * @param localScaler how many frozen steps go by before the interval of exchanges doubles
 * @param localMost largest interval of exchanges
 */
record ZeroOneSteps(long freezeStep, long varianceScaler, long localScaler, long localMost) {
    /** Returns whether the variance has frozen and ranks step by themselves between exchanges. */
    boolean isFrozen(long step) {
        return step >= firstFrozen();
    }

    /** Returns the first frozen step. */
    long firstFrozen() {
        return Math.max(2, freezeStep + 1);
    }

    /** Returns whether gradients are averaged in full and the variance is updated. */
    boolean updatesVariance(long step) {
        if (isFrozen(step)) {
            return false;
        }
        long count = step + 1;
        long interval = 1;
        long from = 2; // the count of the first step
        while (true) {
            long last =
                    (from + interval - 1) / interval * interval + (varianceScaler - 1) * interval;
            if (count <= last) {
                return count % interval == 0;
            }
            from = last + 1;
            interval *= 2;
        }
    }

    /** Returns whether a frozen step ends with an exchange. */
    boolean exchanges(long step) {
        long doublings = (step - firstFrozen()) / localScaler;
        long interval =
                doublings >= Long.SIZE - 2 ? localMost : Math.min(localMost, 1L << doublings);
        return (step + 1) % interval == 0;
    }
}
