package ds.engine.checkpoint;

import java.util.Map;

/**
 * Where a run stands, at an accumulation boundary.
 *
 * @param globalStep boundaries so far, skipped ones included
 * @param appliedSteps boundaries whose update was applied
 * @param microSteps micro-steps so far
 * @param sampleCursor samples consumed so far: the global index of the next one
 * @param seed the run's seed
 * @param lossScaler what the loss scaler needs to go on, as it writes it itself; empty without one
 */
public record RunState(
        long globalStep,
        long appliedSteps,
        long microSteps,
        long sampleCursor,
        long seed,
        Map<String, String> lossScaler) {
    /** Copies the map. */
    public RunState {
        lossScaler = Map.copyOf(lossScaler);
    }
}
