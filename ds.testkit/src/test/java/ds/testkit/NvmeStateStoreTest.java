package ds.testkit;

import ds.core.Device;
import ds.core.RankMemory;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StagingSlots;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** State in files keeps the contract, with one slot or many, blocking or yielding. */
class NvmeStateStoreTest {
    abstract static class OnFiles extends StateStoreContract {
        private int stores;
        @TempDir Path nvmePath = Path.of("");

        abstract PipelineSettings settings();

        double share() {
            return 1;
        }

        @Override
        protected StateStore create(
                StateLayout layout, RankMemory memory, Device device, long chunkBytes) {
            StoreDirectory directory =
                    opened(
                            StoreDirectory.open(
                                    new StoreLocation(nvmePath, "run" + stores++, 0, 1),
                                    StorageProviders.portable(),
                                    FileOperations.system()));
            return StateStores.onNvme(
                    layout,
                    memory,
                    device,
                    directory,
                    settings().withChunkBytes(chunkBytes),
                    StoreTerms.IN_PLACE.withShare(share()));
        }
    }

    @Nested
    class WithOneSlot extends OnFiles {
        @Override
        PipelineSettings settings() {
            return PipelineSettings.DEFAULT.withBufferCount(1);
        }
    }

    @Nested
    class WithThreeSlots extends OnFiles {
        @Override
        PipelineSettings settings() {
            return PipelineSettings.DEFAULT.withBufferCount(3);
        }
    }

    @Nested
    class NotReadAhead extends OnFiles {
        @Override
        PipelineSettings settings() {
            return PipelineSettings.DEFAULT.withSlots(new StagingSlots(3, false, false, true));
        }
    }

    @Nested
    class NotWrittenBehind extends OnFiles {
        @Override
        PipelineSettings settings() {
            return PipelineSettings.DEFAULT.withSlots(new StagingSlots(3, false, true, false));
        }
    }

    @Nested
    class OneByOne extends OnFiles {
        @Override
        PipelineSettings settings() {
            return PipelineSettings.DEFAULT
                    .withWaiting(PipelineSettings.Wait.YIELD)
                    .withSlots(new StagingSlots(3, false, false, false));
        }

        @Override
        double share() {
            return 0.5;
        }
    }

    @Nested
    class HalfInMemory extends WithThreeSlots {
        @Override
        double share() {
            return 0.5;
        }
    }

    @Nested
    class Yielding extends OnFiles {
        @Override
        PipelineSettings settings() {
            return PipelineSettings.DEFAULT.withWaiting(PipelineSettings.Wait.YIELD);
        }
    }
}
