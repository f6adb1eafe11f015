/** Chronicle Bytes: a mapped storage backend and a journal that another process follows. */
module ds.offload.chronicle {
    requires static org.jspecify;
    requires transitive ds.offload;
    requires chronicle.bytes;
    requires chronicle.core;

    exports ds.offload.chronicle;

    provides ds.offload.spi.StorageProvider with
            ds.offload.chronicle.mapped.ChronicleProvider;
}
