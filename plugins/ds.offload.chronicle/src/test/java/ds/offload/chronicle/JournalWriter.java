package ds.offload.chronicle;

import java.nio.file.Path;

/** Another process: appends as many entries as the second argument says. */
final class JournalWriter {
    private JournalWriter() {}

    static JournalEntry entry(int i) {
        return new JournalEntry(i, 2L * i, 1.0 / (i + 1), Math.sqrt(i), 1e-3, i % 3 == 0, 64L * i);
    }

    public static void main(String[] args) {
        int count = Integer.parseInt(args[1]);
        try (ChronicleJournal journal = ChronicleJournal.open(Path.of(args[0]))) {
            for (int i = 0; i < count; i++) {
                journal.append(entry(i));
            }
            journal.sync();
        }
    }
}
