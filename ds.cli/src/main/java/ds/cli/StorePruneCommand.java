package ds.cli;

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
}
