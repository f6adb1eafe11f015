package ds.engine.plan;

import ds.config.DsConfig;
import ds.config.Journal;
import ds.core.Diagnostic;
import ds.core.ProviderException;
import ds.core.ProviderTable;
import ds.core.Spelling;
import ds.engine.spi.RunJournalProvider;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * The run journal that a configuration names.
 *
 * @param provider keeps it
 * @param path where
 */
public record JournalChoice(RunJournalProvider provider, Path path) {
    private static final String POINTER = "/jvm/journal";

    /** Returns what is named; empty if nothing is, or a problem was added. */
    static Optional<JournalChoice> of(
            DsConfig config, ModuleLayer layer, List<Diagnostic> problems) {
        return config.jvm().journal().flatMap(journal -> of(journal, config, layer, problems));
    }

    private static Optional<JournalChoice> of(
            Journal journal, DsConfig config, ModuleLayer layer, List<Diagnostic> problems) {
        if (journal.path().isEmpty()) {
            problems.add(
                    config.locate(
                            Diagnostic.refused(
                                    "journal",
                                    POINTER,
                                    "'journal' names no file.",
                                    "Add \"path\": FILE.")));
        }
        ProviderTable<RunJournalProvider> table = providers(layer);
        try {
            RunJournalProvider provider = table.require(journal.type());
            return journal.path().map(path -> new JournalChoice(provider, path));
        } catch (ProviderException e) {
            List<String> near = Spelling.nearest(journal.type(), table.names(), 1);
            problems.add(
                    config.locate(
                            Diagnostic.refused(
                                    "journal",
                                    POINTER + "/type",
                                    String.valueOf(e.getMessage()),
                                    table.has(journal.type()) || near.isEmpty()
                                            ? "Name another, or remove 'journal'."
                                            : "Did you mean '%s'?".formatted(near.getFirst()))));
            return Optional.empty();
        }
    }

    private static ProviderTable<RunJournalProvider> providers(ModuleLayer layer) {
        ServiceLoader<RunJournalProvider> loader =
                JournalChoice.class.getModule().isNamed()
                        ? ServiceLoader.load(layer, RunJournalProvider.class)
                        : ServiceLoader.load(
                                RunJournalProvider.class, JournalChoice.class.getClassLoader());
        return new ProviderTable<>("run journal", loader);
    }

    @Override
    public String toString() {
        return "%s to %s".formatted(provider.name(), path);
    }
}
