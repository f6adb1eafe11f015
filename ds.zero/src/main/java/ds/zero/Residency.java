package ds.zero;

/**
 * What a rank keeps only a part of. A ZeRO stage is these three booleans and nothing else.
 *
 * @param shardStates masters and optimizer states (stage 1 and up)
 * @param shardGradients reduced gradients (stage 2 and up)
 * @param shardParameters working parameters (stage 3)
 */
public record Residency(boolean shardStates, boolean shardGradients, boolean shardParameters) {
    /** Checks that a later part is sharded only where the earlier ones are. */
    public Residency {
        if (shardGradients && !shardStates || shardParameters && !shardGradients) {
            throw new IllegalArgumentException(
                    "Sharding goes states, gradients, parameters; was %b, %b, %b."
                            .formatted(shardStates, shardGradients, shardParameters));
        }
    }

    /**
     * Returns the residency of a ZeRO stage.
     *
     * @param stage 0 to 3
     */
    public static Residency ofStage(int stage) {
        if (stage < 0 || stage > 3) {
            throw new IllegalArgumentException("A ZeRO stage is 0 to 3, was " + stage);
        }
        return new Residency(stage >= 1, stage >= 2, stage >= 3);
    }
}
