package ds.engine.checkpoint;

import ds.offload.FileOperations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A directory of checkpoints as a whole. */
public final class Checkpoints {
    /**
     * What was found in one checkpoint.
     *
     * @param directory the checkpoint
     * @param problems every problem, one sentence each; empty if every byte matches
     */
    public record Verification(Path directory, List<String> problems) {
        /** Copies the list. */
        public Verification {
            problems = List.copyOf(problems);
        }
    }

    private Checkpoints() {}

    /** Returns the committed checkpoints in {@code root}, or {@code root} itself, by name. */
    public static List<Path> list(Path root) {
        try {
            if (CheckpointDirectory.isCommitted(root)) {
                return List.of(root);
            }
            List<Path> found = new ArrayList<>();
            if (Files.isDirectory(root)) {
                for (Path directory : CheckpointDirectory.all(root)) {
                    if (CheckpointDirectory.isCommitted(directory)) {
                        found.add(directory);
                    }
                }
            }
            found.sort(Comparator.naturalOrder());
            return found;
        } catch (IOException e) {
            throw new CheckpointException(
                    "Cannot read %s: %s.".formatted(root, CheckpointWriter.reason(e)), e);
        }
    }

    /**
     * Checks every checksum of every checkpoint in {@code root}, or of {@code root} itself.
     *
     * @throws CheckpointException if there is no checkpoint at all
     */
    public static List<Verification> verify(Path root) {
        List<Verification> found = new ArrayList<>();
        for (Path directory : list(root)) {
            found.add(new Verification(directory, problems(directory)));
        }
        if (found.isEmpty()) {
            throw new CheckpointException(
                    "%s is no checkpoint: it has no %s and no directory step-NNNNNNNN with one. Give the directory that --save wrote."
                            .formatted(root, Manifest.FILE));
        }
        return found;
    }

    private static List<String> problems(Path directory) {
        FileOperations files = FileOperations.system();
        List<String> problems = new ArrayList<>();
        Path path = directory.resolve(Manifest.FILE);
        try {
            Manifest manifest =
                    Manifest.read(CheckpointDirectory.readAll(files, path, Manifest.LIMIT_BYTES));
            for (RankFile file : manifest.files()) {
                try (BlockReader reader =
                        new BlockReader(files, directory.resolve(file.name()), file)) {
                    problems.addAll(reader.problems());
                } catch (CheckpointException e) {
                    problems.add(e.getMessage());
                }
            }
        } catch (JsonTree.Malformed | IOException e) {
            problems.add("%s is corrupt: %s.".formatted(path, e.getMessage()));
        }
        return problems;
    }

    /**
     * Removes all but the newest checkpoints; each loses its manifest first, so that none is ever
     * half there. One whose manifest is corrupt is left for a person to see.
     *
     * @param count how many stay, at least 1
     */
    public static void keepNewest(Path root, int count) {
        if (count < 1) {
            throw new IllegalArgumentException(
                    "Was asked to keep %d checkpoints; at least 1 must stay.".formatted(count));
        }
        try {
            record Dated(Path directory, long sequence) {}
            List<Dated> all = new ArrayList<>();
            for (Path directory : list(root)) {
                byte[] text = Files.readAllBytes(directory.resolve(Manifest.FILE));
                Manifest.sequence(text)
                        .ifPresent(sequence -> all.add(new Dated(directory, sequence)));
            }
            all.sort(Comparator.comparingLong(Dated::sequence).reversed());
            for (Dated old : all.subList(Math.min(count, all.size()), all.size())) {
                Files.delete(old.directory().resolve(Manifest.FILE));
                CheckpointDirectory.removeQuietly(old.directory());
            }
        } catch (IOException e) {
            throw new CheckpointException(
                    "Cannot remove old checkpoints of %s: %s."
                            .formatted(root, CheckpointWriter.reason(e)),
                    e);
        }
    }
}
