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
 * @param lockedBytes bytes whose pages are locked in memory
 * @param storedBytes bytes at rest outside memory
 */
public record ZeroUsage(
        Map<MemoryKind, Long> bytes,
        Traffic traffic,
        long exchanges,
        long liveElementsHighWater,
        long replicaBytes,
        long lockedBytes,
        long storedBytes) {}
