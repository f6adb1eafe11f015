package ds.offload;

import ds.offload.spi.StorageProvider;

/**
 * The backend that a run's files are opened with.
 *
 * @param provider opens them
 * @param reason why this one, for people
 */
public record StorageChoice(StorageProvider provider, String reason) {
    @Override
    public String toString() {
        return "%s (%s)".formatted(provider.name(), reason);
    }
}
