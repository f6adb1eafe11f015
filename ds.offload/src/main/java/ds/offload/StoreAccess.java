package ds.offload;

import ds.offload.spi.StorageProvider;
import java.nio.file.Path;

/**
 * How one rank comes to a store, a new one and one that was left alike.
 *
 * @param location where it is
 * @param provider how the files in it are opened, in each of its paths
 * @param files the door through which every byte goes
 */
record StoreAccess(StoreLocation location, StorageProvider provider, FileOperations files) {
    /** Returns the rank's directory, at home. */
    Path directory() {
        return location.rankDirectory();
    }
}
