package ds.testkit;

import ds.offload.StorageProviders;
import ds.offload.spi.StorageProvider;

/** Mapped files keep the storage contract. */
class MappedStorageTest extends StorageContract {
    @Override
    protected StorageProvider provider() {
        return StorageProviders.table(layer()).require("mapped");
    }

    private static ModuleLayer layer() {
        ModuleLayer own = MappedStorageTest.class.getModule().getLayer();
        return own == null ? ModuleLayer.boot() : own;
    }
}
