package ds.engine;

import ds.core.DsException;
import ds.core.ProviderException;
import ds.engine.plan.JournalChoice;
import ds.engine.spi.RunJournal;

/** A run journal whose provider may throw what it likes: the user is told whose it was. */
final class CheckedJournal implements RunJournal {
    private final JournalChoice choice;
    private final RunJournal journal;

    CheckedJournal(JournalChoice choice) {
        this.choice = choice;
        try {
            this.journal = choice.provider().open(choice.path());
        } catch (RuntimeException | LinkageError e) {
            throw failed("open", e);
        }
    }

    @Override
    public void append(Entry entry) {
        try {
            journal.append(entry);
        } catch (RuntimeException | LinkageError e) {
            throw failed("append step %,d to".formatted(entry.step()), e);
        }
    }

    @Override
    public void close() {
        try {
            journal.close();
        } catch (RuntimeException | LinkageError e) {
            throw failed("close", e);
        }
    }

    private DsException failed(String what, Throwable cause) {
        return cause instanceof DsException known
                ? known
                : new ProviderException(
                        "The run journal provider '%s' failed to %s %s: %s. Repair its module, or remove jvm.journal."
                                .formatted(choice.provider().name(), what, choice.path(), cause),
                        cause);
    }
}
