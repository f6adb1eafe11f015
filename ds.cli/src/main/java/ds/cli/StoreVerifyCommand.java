package ds.cli;

import ds.offload.StoreVerification;
import ds.offload.Stores;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code ds store verify}. */
@CommandLine.Command(
        name = "verify",
        sortOptions = false,
        description = "Checks every byte of the stores in a directory against their commits.")
final class StoreVerifyCommand extends Command {
    @Parameters(paramLabel = "DIR", description = "An nvme_path, or one run's directory in it.")
    private Path directory;

    @Override
    int run() {
        boolean ok = true;
        List<Object> results = new ArrayList<>();
        for (Stores.RunStore run : StoreInspectCommand.present(directory)) {
            for (Stores.RankStore rank : run.ranks()) {
                if (rank.partOf().isPresent()) {
                    out().result(
                                    "%s: a part of %s, with which it is checked"
                                            .formatted(rank.directory(), rank.partOf().get()));
                    results.add(
                            Map.of(
                                    "store",
                                    rank.directory().toString(),
                                    "part_of",
                                    rank.partOf().get().toString()));
                    continue;
                }
                StoreVerification found = Stores.verify(rank.directory());
                boolean good = found.problems().isEmpty();
                ok &= good;
                out().result("%s: %s".formatted(found.directory(), good ? "ok" : "CORRUPT"));
                found.problems().forEach(problem -> out().result("  " + problem));
                found.notes().forEach(note -> out().result("  note: " + note));
                Map<String, Object> entry = new LinkedHashMap<>();
                entry.put("store", found.directory().toString());
                entry.put("ok", good);
                entry.put("problems", found.problems());
                entry.put("notes", found.notes());
                results.add(entry);
            }
        }
        out().document(Map.of("results", results));
        return ok ? Main.OK : Main.FAILURE;
    }
}
