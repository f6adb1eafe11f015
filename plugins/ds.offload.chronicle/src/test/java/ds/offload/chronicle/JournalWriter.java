package ds.offload.chronicle;

import java.nio.file.Path;

/** Another process: appends as many entries as the second argument says. */
final class JournalWriter {
    private JournalWriter() {}

    public static void main(String[] args) {
        int count = Integer.parseInt(args[1]);
        try (ChronicleJournal journal = ChronicleJournal.open(Path.of(args[0]))) {
            for (int i = 0; i < count; i++) {
                journal.append(new JournalEntry(i, 2L * i, 1.0 / (i + 1)));
            }
            journal.sync();
        }
    }
}
