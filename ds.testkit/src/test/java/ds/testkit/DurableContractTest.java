package ds.testkit;

import ds.core.Device;
import ds.core.RankMemory;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import ds.offload.StoreUse;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With commits between, a durable store is any other store. */
@Timeout(60)
class DurableContractTest {
    abstract static class Durable extends StateStoreContract {
        private int stores;
        @TempDir Path nvmePath = Path.of("");

        abstract StoreTerms terms();

        @Override
        protected StateStore create(
                StateLayout layout, RankMemory memory, Device device, long chunkBytes) {
            StoreDirectory directory =
                    opened(
                            StoreDirectory.open(
                                    new StoreLocation(nvmePath, "run" + stores++, 0, 1),
                                    StorageProviders.portable(),
                                    FileOperations.system(),
                                    StoreUse.DURABLE));
            return StateStores.durable(
                    layout,
                    memory,
                    device,
                    directory,
                    PipelineSettings.DEFAULT.withBufferCount(3).withChunkBytes(chunkBytes),
                    terms(),
                    StoreRig.IDENTITY);
        }
    }

    @Nested
    class WithTwoGenerations extends Durable {
        @Override
        StoreTerms terms() {
            return StoreTerms.DEFAULT;
        }
    }

    @Nested
    class WithAThirdInMemory extends Durable {
        @Override
        StoreTerms terms() {
            return StoreTerms.DEFAULT.withShare(2 / 3.0);
        }
    }

    @Nested
    class WithEverythingInMemory extends Durable {
        @Override
        StoreTerms terms() {
            return StoreTerms.DEFAULT.withShare(0);
        }
    }

    @Nested
    class WithThreeGenerations extends Durable {
        @Override
        StoreTerms terms() {
            return StoreTerms.DEFAULT.withGenerations(3);
        }
    }
}
