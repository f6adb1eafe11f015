package ds.engine.journal;

import ds.engine.spi.RunJournal;
import ds.engine.spi.RunJournalProvider;
import java.nio.file.Path;

/** A run journal of JSON lines, which {@code tail -f} follows. */
public final class JsonlJournalProvider implements RunJournalProvider {
    /** For ServiceLoader. */
    public JsonlJournalProvider() {}

    @Override
    public String name() {
        return "jsonl";
    }

    @Override
    public RunJournal open(Path path) {
        return JsonlJournal.open(path);
    }
}
