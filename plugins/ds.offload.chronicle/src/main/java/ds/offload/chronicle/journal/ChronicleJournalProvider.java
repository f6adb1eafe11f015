package ds.offload.chronicle.journal;

import ds.engine.spi.RunJournal;
import ds.engine.spi.RunJournalProvider;
import ds.offload.chronicle.ChronicleAccess;
import ds.offload.chronicle.ChronicleJournal;
import ds.offload.chronicle.JournalEntry;
import java.nio.file.Path;
import java.util.Optional;

/** A run's journal as a {@link ChronicleJournal}: an entry costs no call to the operating system. */
public final class ChronicleJournalProvider implements RunJournalProvider {
    /** For ServiceLoader. */
    public ChronicleJournalProvider() {}

    @Override
    public String name() {
        return "chronicle";
    }

    @Override
    public Optional<String> unavailable() {
        return ChronicleAccess.missing();
    }

    @Override
    public RunJournal open(Path path) {
        return new Kept(ChronicleJournal.open(path));
    }

    private record Kept(ChronicleJournal journal) implements RunJournal {
        @Override
        public void append(Entry entry) {
            journal.append(
                    new JournalEntry(
                            entry.step(),
                            entry.commit(),
                            entry.loss(),
                            entry.gradNorm(),
                            entry.lr(),
                            entry.skipped(),
                            entry.bytes()));
        }

        @Override
        public void close() {
            try (journal) {
                journal.sync();
            }
        }
    }
}
