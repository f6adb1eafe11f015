package ds.zero;

import ds.comm.Traffic;
import ds.core.MemoryKind;
import java.util.Map;

/**
 * What one rank uses and has done so far.
 *
 * @param bytes bytes allocated per kind
 * @param traffic collectives and their bytes
 * @param exchanges gradient exchanges (units completed)
 * @param liveElementsHighWater most elements gathered and on loan at once
 * @param replicaBytes bytes that exchanges of replica optimizers handed to other ranks
 * @param storedBytes bytes at rest outside memory
 * @param times nanoseconds per phase
 */
public record ZeroUsage(
        Map<MemoryKind, Long> bytes,
        Traffic traffic,
        long exchanges,
        long liveElementsHighWater,
        long replicaBytes,
        long storedBytes,
        PhaseTimes times) {
    /**
     * Nanoseconds so far, per phase.
     *
     * @param gatherNanos collecting sharded units
     * @param exchangeNanos exchanging and folding contributions
     * @param boundaryNanos gathering reduced gradients and the integer all-reduce
     * @param stepNanos stepping, I/O included
     * @param publishNanos handing out new parameters
     * @param ioWaitNanos the parts of gathering, stepping and publishing that waited for storage
     */
    public record PhaseTimes(
            long gatherNanos,
            long exchangeNanos,
            long boundaryNanos,
            long stepNanos,
            long publishNanos,
            long ioWaitNanos) {}
}
