package ds.offload.chronicle;

import ds.offload.StorageProviders;
import ds.offload.spi.StorageProvider;
import ds.testkit.StorageContract;

/** Files mapped by Chronicle keep the storage contract, also under fault injection. */
class ChronicleStorageTest extends StorageContract {
    @Override
    protected StorageProvider provider() {
        return StorageProviders.table(ModuleLayer.boot()).require("chronicle");
    }
}
