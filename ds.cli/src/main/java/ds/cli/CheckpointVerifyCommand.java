package ds.cli;

import ds.engine.checkpoint.Checkpoints;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code ds checkpoint verify}. */
@CommandLine.Command(
        name = "verify",
        sortOptions = false,
        description = "Checks every checksum of every checkpoint in a directory.")
final class CheckpointVerifyCommand extends Command {
    @Parameters(paramLabel = "DIR", description = "What --save wrote, or one checkpoint in it.")
    private Path directory;

    @Override
    int run() {
        if (Checkpoints.list(directory).isEmpty()) {
            throw new UserMistakeException(
                    "There is no checkpoint in %s; give the directory that --save wrote."
                            .formatted(directory));
        }
        boolean ok = true;
        List<Object> results = new ArrayList<>();
        for (Checkpoints.Verification found : Checkpoints.verify(directory)) {
            boolean good = found.problems().isEmpty();
            ok &= good;
            out().result("%s: %s".formatted(found.directory(), good ? "ok" : "CORRUPT"));
            found.problems().forEach(problem -> out().result("  " + problem));
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("checkpoint", found.directory().toString());
            entry.put("ok", good);
            entry.put("problems", found.problems());
            results.add(entry);
        }
        out().document(Map.of("results", results));
        return ok ? Main.OK : Main.FAILURE;
    }
}
