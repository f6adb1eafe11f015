package ds.zero;

import ds.core.DType;
import ds.offload.RestingPlace;

/**
 * What the plan decided for ZeRO.
 *
 * @param residency what is sharded
 * @param precision type of working parameters and activations
 * @param optimizer where masters and optimizer states rest
 * @param parameters where a rank's working parameters rest
 * @param maxLiveParameters most elements gathered at once where parameters are sharded, at least 1
 * @param persistenceThreshold units of at most so many elements stay gathered from one step to the
 *     next; 0 keeps none
 * @param chunkBytes most bytes that one call of a step sees, and of the staging through which tensors
 *     are loaded and exported; at least 4,096
 * @param seed of initial values and dropout
 * @param gradients how gradients travel and are added
 * @param states in which types masters and optimizer slots rest
 * @param products the type of products of matrices: {@code precision}, or 16-bit in an fp32 run
 * @param wideNorms whether parameters tagged {@code norm} are lent to models in fp32 although the
 *     others are 16-bit; only where every rank steps all
 */
public record ZeroOptions(
        Residency residency,
        DType precision,
        RestingPlace optimizer,
        ParameterStorage parameters,
        long maxLiveParameters,
        long persistenceThreshold,
        long chunkBytes,
        long seed,
        GradientStorage gradients,
        StateStorage states,
        DType products,
        boolean wideNorms) {
    private static final int CHUNK_BYTES_MIN = 4096;

    /** Checks the ranges. */
    public ZeroOptions {
        if (maxLiveParameters < 1 || persistenceThreshold < 0 || chunkBytes < CHUNK_BYTES_MIN) {
            throw new IllegalArgumentException(
                    "Live parameters must be at least 1, the persistence threshold at least 0 and a chunk at least %,d bytes; were %,d, %,d and %,d."
                            .formatted(
                                    CHUNK_BYTES_MIN,
                                    maxLiveParameters,
                                    persistenceThreshold,
                                    chunkBytes));
        }
        if (states.mastersAreNarrow()
                && (states.masters() != precision
                        || parameters.place() instanceof RestingPlace.OnNvme
                        || optimizer instanceof RestingPlace.OnNvme)) {
            throw new IllegalArgumentException(
                    "Masters in %s must be the working parameters, in memory, but those are %s, %s, and states rest %s."
                            .formatted(
                                    states.masters().jsonName(),
                                    precision.jsonName(),
                                    parameters.place(),
                                    optimizer));
        }
        if (wideNorms && residency.shardStates()) {
            throw new IllegalArgumentException(
                    "Norms have fp32 parameters only where every rank steps all; use stage 0.");
        }
        if (products != precision && precision != DType.FP32) {
            throw new IllegalArgumentException(
                    "Products are cast to %s in an fp32 run only, not in %s."
                            .formatted(products.jsonName(), precision.jsonName()));
        }
        if (states.slots() != DType.FP32 && !states.mastersAreNarrow()) {
            throw new IllegalArgumentException(
                    "Slots rest in %s only where masters do too."
                            .formatted(states.slots().jsonName()));
        }
        if (parameters.place() instanceof RestingPlace.OnNvme && !residency.shardParameters()) {
            throw new IllegalArgumentException(
                    "Parameters rest on NVMe only where they are sharded; use stage 3.");
        }
        if (gradients.place() instanceof RestingPlace.OnNvme && !residency.shardGradients()) {
            throw new IllegalArgumentException(
                    "Gradients rest on NVMe only where they are sharded; use stage 2 or 3.");
        }
    }

    /** Creates options with what is usual for gradients in {@code precision}. */
    public ZeroOptions(
            Residency residency,
            DType precision,
            RestingPlace optimizer,
            RestingPlace parameters,
            long maxLiveParameters,
            long persistenceThreshold,
            long chunkBytes,
            long seed) {
        this(
                residency,
                precision,
                optimizer,
                ParameterStorage.at(parameters),
                maxLiveParameters,
                persistenceThreshold,
                chunkBytes,
                seed);
    }

    /** Creates options with what is usual for gradients in {@code precision}. */
    public ZeroOptions(
            Residency residency,
            DType precision,
            RestingPlace optimizer,
            ParameterStorage parameters,
            long maxLiveParameters,
            long persistenceThreshold,
            long chunkBytes,
            long seed) {
        this(
                residency,
                precision,
                optimizer,
                parameters,
                maxLiveParameters,
                persistenceThreshold,
                chunkBytes,
                seed,
                GradientStorage.of(precision),
                StateStorage.FP32,
                precision,
                false);
    }

    /** Returns options with everything in memory, unbounded live parameters and 4 MiB chunks. */
    public static ZeroOptions inMemory(int stage, DType precision, long seed) {
        return new ZeroOptions(
                Residency.ofStage(stage),
                precision,
                new RestingPlace.OnDevice(),
                new RestingPlace.OnDevice(),
                Long.MAX_VALUE,
                0,
                4L << 20,
                seed);
    }
}
