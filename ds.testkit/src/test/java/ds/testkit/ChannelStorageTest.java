package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.ProviderException;
import ds.offload.StorageProviders;
import ds.offload.spi.StorageProvider;
import org.junit.jupiter.api.Test;

/** The portable backend keeps the storage contract, and is found by its name. */
class ChannelStorageTest extends StorageContract {
    @Override
    protected StorageProvider provider() {
        return StorageProviders.portable();
    }

    @Test
    void isFoundByName() {
        var table = StorageProviders.table(layer());
        assertEquals("channel", table.require("CHANNEL").name());
        ProviderException failure =
                assertThrows(ProviderException.class, () -> table.require("tape"));
        assertEquals(
                "No storage provider is named 'tape'; this runtime has "
                        + table.names()
                        + ". Add its module to the module path.",
                failure.getMessage());
    }

    private static ModuleLayer layer() {
        ModuleLayer own = ChannelStorageTest.class.getModule().getLayer();
        return own == null ? ModuleLayer.boot() : own;
    }
}
