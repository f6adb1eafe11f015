package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Optimizer;

/**
 * The memory of one 1-bit compressed exchange: its padded buffer, and the errors that this rank
 * carries over as a sender and as the owner of a part. A length is padded with zeros to a multiple
 * of ranks · lcm(ranks, 8), so that signs fill bytes, as DeepSpeed has it.
 *
 * @param buffer what is exchanged, padded; shared by exchanges that come one after the other
 * @param workerError as long as the buffer
 * @param serverError as long as a rank's part of it
 */
record Compression(FlatBuffer buffer, FlatBuffer workerError, FlatBuffer serverError) {
    private static final long SIGNS_PER_BYTE = 8;

    /** Returns {@code elements} with their padding. */
    static long padded(long elements, int ranks) {
        long part = ranks;
        while (part % SIGNS_PER_BYTE != 0) {
            part += ranks;
        }
        long whole = part * ranks;
        return (elements + whole - 1) / whole * whole;
    }

    /** Returns how much the errors of one exchange take. */
    static long errorElements(long elements, int ranks) {
        long padded = padded(elements, ranks);
        return padded + padded / ranks;
    }

    /** Takes the errors from {@code kept}, {@link #errorElements} long, beside a buffer. */
    static Compression in(FlatBuffer buffer, FlatBuffer kept, long elements, int ranks) {
        long padded = padded(elements, ranks);
        return new Compression(
                buffer.slice(0, padded), kept.slice(0, padded), kept.slice(padded, padded / ranks));
    }

    /** Replaces {@code values} by their compressed mean over the ranks; alone, leaves them. */
    void mean(FlatBuffer values, Optimizer.Exchange exchange) {
        if (exchange.ranks() == 1) {
            return;
        }
        buffer.zero();
        buffer.slice(0, values.lengthElements()).copyFrom(values);
        mean(exchange);
        values.copyFrom(buffer.slice(0, values.lengthElements()));
    }

    /** Replaces the buffer by its compressed mean over the ranks; alone, leaves it. */
    void mean(Optimizer.Exchange exchange) {
        if (exchange.ranks() > 1) {
            exchange.compressedAllReduce(buffer, workerError, serverError);
        }
    }

    /** Forgets what is carried over. */
    void reset() {
        workerError.zero();
        serverError.zero();
    }
}
