package ds.cli;

import ds.offload.CommitRecord;
import ds.offload.StoreLife;
import ds.offload.Stores;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code ds store inspect}. */
@CommandLine.Command(
        name = "inspect",
        sortOptions = false,
        description =
                "Shows the stores in a directory: whose they are, and what they can go on from.")
final class StoreInspectCommand extends Command {
    @Parameters(paramLabel = "DIR", description = "An nvme_path, or one run's directory in it.")
    private Path directory;

    @Override
    int run() {
        List<Object> runs = new ArrayList<>();
        for (Stores.RunStore run : present(directory)) {
            people(run);
            runs.add(document(run));
        }
        out().document(Map.of("runs", runs));
        return Main.OK;
    }

    /** Returns the runs of a directory; that there are none is the user's mistake. */
    static List<Stores.RunStore> present(Path directory) {
        List<Stores.RunStore> runs = Stores.list(directory);
        if (runs.isEmpty()) {
            throw new UserMistakeException(
                    "There is no offload store in %s; give an nvme_path, or a run's directory in it."
                            .formatted(directory));
        }
        return runs;
    }

    private void people(Stores.RunStore run) {
        out().result("store        " + run.directory());
        run.lastCommit()
                .ifPresent(
                        commit -> {
                            String model = commit.identity().about().getOrDefault("model", "");
                            out().result("model        " + (model.isEmpty() ? "(code)" : model));
                            out().result(
                                            String.format(
                                                    Locale.ROOT,
                                                    "arrays       %s, slots in %s, in %d generations",
                                                    new TreeMap<>(commit.arrays()),
                                                    commit.codec(),
                                                    commit.generations()));
                        });
        for (Stores.RankStore rank : run.ranks()) {
            out().result(
                            String.format(
                                    Locale.ROOT,
                                    "%s  %s, %,d bytes%s%s",
                                    rank.directory().getFileName(),
                                    rank.life(),
                                    rank.sizeBytes(),
                                    rank.backend().map(name -> open(rank, name)).orElse(""),
                                    rank.lastCommit().map(StoreInspectCommand::say).orElse("")));
            if (rank.partOf().isEmpty()) {
                rank.paths()
                        .forEach(
                                (path, weight) ->
                                        out().result("  in %s, weight %d".formatted(path, weight)));
            }
            rank.problem().ifPresent(problem -> out().result("  " + problem));
            rank.notes().forEach(note -> out().result("  " + note));
        }
    }

    private static String open(Stores.RankStore rank, String backend) {
        return (rank.life() == StoreLife.LIVE ? ", open with " : ", last open with ") + backend;
    }

    private static String say(Stores.LastCommit commit) {
        CommitRecord run = commit.run();
        return String.format(
                Locale.ROOT,
                "; commit %,d, epoch %d: step %,d (%,d applied), %,d samples, seed %d",
                commit.number(),
                commit.epoch(),
                run.globalStep(),
                run.appliedSteps(),
                run.samplesSeen(),
                run.seed());
    }

    private static Map<String, Object> document(Stores.RunStore run) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("store", run.directory().toString());
        document.put("resumable", run.isResumable());
        List<Object> ranks = new ArrayList<>();
        for (Stores.RankStore rank : run.ranks()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("directory", rank.directory().toString());
            entry.put("life", rank.life().name());
            entry.put("bytes", rank.sizeBytes());
            rank.partOf().ifPresent(home -> entry.put("part_of", home.toString()));
            if (!rank.paths().isEmpty()) {
                entry.put("paths", paths(rank.paths()));
            }
            rank.backend().ifPresent(name -> entry.put("backend", name));
            rank.lastCommit().ifPresent(commit -> put(entry, commit));
            rank.problem().ifPresent(problem -> entry.put("problem", problem));
            entry.put("notes", rank.notes());
            ranks.add(entry);
        }
        document.put("ranks", ranks);
        return document;
    }

    /** Returns directories with their weights, home first. */
    static List<Object> paths(Map<Path, Integer> weights) {
        List<Object> paths = new ArrayList<>();
        weights.forEach(
                (path, weight) ->
                        paths.add(
                                new TreeMap<String, Object>(
                                        Map.of("path", path.toString(), "weight", weight))));
        return paths;
    }

    private static void put(Map<String, Object> entry, Stores.LastCommit commit) {
        CommitRecord run = commit.run();
        entry.put("commit", commit.number());
        entry.put("epoch", commit.epoch());
        entry.put("global_step", run.globalStep());
        entry.put("applied_steps", run.appliedSteps());
        entry.put("micro_steps", run.microSteps());
        entry.put("sample_cursor", run.samplesSeen());
        entry.put("seed", run.seed());
        entry.put("world_size", commit.world());
        entry.put("generations", commit.generations());
        entry.put("arrays", new TreeMap<String, Object>(commit.arrays()));
        entry.put("state_codec", commit.codec());
        entry.put("layout_sha256", commit.identity().layoutHash());
        entry.put("config_sha256", commit.identity().configHash());
        entry.put("application_bytes", run.application().sizeBytes());
    }
}
