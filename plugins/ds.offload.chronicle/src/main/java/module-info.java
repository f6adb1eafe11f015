/** Chronicle Bytes: a mapped storage backend and a journal that another process follows. */
module ds.offload.chronicle {
    requires static org.jspecify;
    requires transitive ds.offload;
    requires static ds.engine; // a run has it; who follows a journal needs none
    requires chronicle.bytes;
    requires chronicle.core;

    exports ds.offload.chronicle;

    provides ds.offload.spi.StorageProvider with
            ds.offload.chronicle.mapped.ChronicleProvider;
    provides ds.engine.spi.RunJournalProvider with
            ds.offload.chronicle.journal.ChronicleJournalProvider;
}
