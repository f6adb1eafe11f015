package ds.offload.spi;

import java.lang.foreign.MemorySegment;

/**
 * How optimizer slots are encoded where they rest. A step sees what {@link #decode} gives, and {@link
 * #encode} takes what it leaves. Every granule of {@value #GRANULE_ELEMENTS} elements is encoded by
 * itself and always to the same bits, whatever lies beside it, whoever encodes it: so that no number
 * of ranks, workers or chunks changes a bit. Stateless; called by many threads at once.
 */
public interface StateCodec {
    /** Elements that are encoded together; parameters begin at multiples of it. */
    int GRANULE_ELEMENTS = 1024;

    /** What an array's values may be. */
    enum Values {
        /** Any sign: momenta. */
        SIGNED,
        /** Never below zero: averages or sums of squares. */
        NON_NEGATIVE
    }

    /** Returns the name that configuration and stores know it by. */
    String name();

    /** Returns the bytes of an encoded granule: a multiple of 16, at most 4,096. */
    int granuleBytes();

    /**
     * Encodes whole granules. What {@link #decode} gave is encoded to the bytes it came from.
     *
     * @param values little-endian fp32
     * @param encoded {@link #granuleBytes} for each granule
     */
    void encode(MemorySegment values, MemorySegment encoded, Values kind);

    /**
     * Decodes whole granules; bytes that are all zero give zeros.
     *
     * @param encoded {@link #granuleBytes} for each granule
     * @param values little-endian fp32
     */
    void decode(MemorySegment encoded, MemorySegment values, Values kind);
}
