package ds.it;

import ds.engine.spi.RunJournal;
import ds.engine.spi.RunJournalProvider;
import java.nio.file.Path;

/** A run journal that somebody got wrong: it throws in the call that the file is named after. */
public final class BrokenJournal implements RunJournalProvider {
    /** For ServiceLoader. */
    public BrokenJournal() {}

    @Override
    public String name() {
        return "broken";
    }

    @Override
    public RunJournal open(Path path) {
        breakIn("open", path);
        return new RunJournal() {
            @Override
            public void append(Entry entry) {
                breakIn("append", path);
            }

            @Override
            public void close() {
                breakIn("close", path);
            }
        };
    }

    private static void breakIn(String call, Path path) {
        if (path.endsWith(call)) {
            throw new IndexOutOfBoundsException("not mine");
        }
    }
}
