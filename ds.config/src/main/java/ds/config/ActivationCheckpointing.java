package ds.config;

import java.util.OptionalInt;

/**
 * The {@code activation_checkpointing} section: recompute instead of keeping.
 *
 * @param given whether the document has the section at all
 * @param partitionActivations as written; default false
 * @param cpuCheckpointing as written; default false
 * @param numberCheckpoints units recomputed in backward; empty if absent
 */
public record ActivationCheckpointing(
        boolean given,
        boolean partitionActivations,
        boolean cpuCheckpointing,
        OptionalInt numberCheckpoints) {}
