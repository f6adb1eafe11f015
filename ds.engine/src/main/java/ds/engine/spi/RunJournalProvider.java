package ds.engine.spi;

import ds.core.spi.NamedProvider;
import java.nio.file.Path;

/**
 * Keeps the journal of a run where {@code "jvm": {"journal": {"type": ..., "path": ...}}} names it.
 * What it throws and is no {@link ds.core.DsException} reaches the user as a {@link
 * ds.core.ProviderException} with this provider's name.
 */
public interface RunJournalProvider extends NamedProvider {
    /**
     * Opens a journal to append behind what is in it, and makes it if there is none. Called on rank
     * 0's thread before the first step, which makes every later call too.
     *
     * @param path what the configuration says; relative to the working directory
     * @throws ds.core.DsException if it cannot be opened, is open elsewhere, or is something else
     */
    RunJournal open(Path path);
}
