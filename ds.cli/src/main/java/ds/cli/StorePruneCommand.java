package ds.cli;

import ds.offload.StorageException;
import ds.offload.StoreLife;
import ds.offload.Stores;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds store prune}. */
@CommandLine.Command(
        name = "prune",
        sortOptions = false,
        description =
                "Removes the stores in a directory that nobody can go on from, or all with --all.")
final class StorePruneCommand extends Command {
    @Parameters(paramLabel = "DIR", description = "An nvme_path, or one run's directory in it.")
    private Path directory;

    @Option(
            names = "--all",
            description = "Those too that a run could go on from; what they hold is lost.")
    private boolean all;

    @Override
    int run() {
        long freed = 0;
        List<Object> removed = new ArrayList<>();
        for (Stores.RunStore run : StoreInspectCommand.present(directory)) {
            if (run.isPart()) {
                freed += part(run, removed);
                continue;
            }
            boolean live = run.ranks().stream().anyMatch(rank -> rank.life() == StoreLife.LIVE);
            if (live || run.isResumable() && !all) {
                out().result(
                                "kept     %s, %s"
                                        .formatted(
                                                run.directory(),
                                                live
                                                        ? "which is in use"
                                                        : "which a run can go on from (--all removes it)"));
                continue;
            }
            freed += Stores.prune(run);
            removed.add(run.directory().toString());
            out().result("removed  " + run.directory());
        }
        out().result(String.format(Locale.ROOT, "%,d bytes are free now", freed));
        out().document(Map.of("removed", removed, "bytes", freed));
        return Main.OK;
    }

    /** Removes parts of a store in other paths only where it is asked for and its home is gone. */
    private long part(Stores.RunStore run, List<Object> removed) {
        String why =
                "which is a part of a store in several paths (--all removes it if its home is gone)";
        if (all) {
            try {
                long freed = Stores.prune(run);
                removed.add(run.directory().toString());
                out().result("removed  " + run.directory());
                return freed;
            } catch (StorageException e) {
                why = String.valueOf(e.getMessage());
            }
        }
        out().result("kept     %s, %s".formatted(run.directory(), why));
        return 0;
    }
}
