package ds.foreign.uring;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.offload.AioSettings;
import ds.offload.spi.StorageProvider;
import ds.testkit.StorageContract;
import java.util.Optional;

/** io_uring keeps the storage contract. */
class UringStorageTest extends StorageContract {
    @Override
    protected StorageProvider provider() {
        StorageProvider provider = new UringProvider();
        Optional<String> why = provider.unavailable().or(() -> provider.unavailable(directory));
        assumeTrue(why.isEmpty(), () -> "io_uring cannot run here: " + why);
        return provider;
    }

    @Override
    protected int unitBytes() {
        return AioSettings.BLOCK_UNIT_BYTES;
    }
}
