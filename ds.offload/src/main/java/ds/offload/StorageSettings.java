package ds.offload;

import java.time.Duration;

/**
 * How one file of a store is opened.
 *
 * @param depth transfers in flight at most; one more is an {@link IllegalStateException}
 * @param stuckAfter the age at which waiting for a transfer ends in a {@link StorageException} that
 *     names file, offset and age
 * @param aio how transfers are handed to the operating system
 */
public record StorageSettings(int depth, Duration stuckAfter, AioSettings aio) {
    /** Checks every range. */
    public StorageSettings {
        if (depth < 1) {
            throw new IllegalArgumentException(
                    "depth must be at least 1, was %d.".formatted(depth));
        }
        if (stuckAfter.isNegative() || stuckAfter.isZero()) {
            throw new IllegalArgumentException(
                    "stuckAfter must be positive, was %s.".formatted(stuckAfter));
        }
    }
}
