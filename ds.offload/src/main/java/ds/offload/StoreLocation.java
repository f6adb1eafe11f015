package ds.offload;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Where one rank's files go: {@code nvme_path/ds-<runId>/rank-0003-of-0004/}, in each of its paths.
 *
 * @param nvmePaths existing, writable directories; the first is home, with lock, owner and journal
 * @param runId the run's own name, the same on all ranks: letters, digits, {@code . _ -}
 * @param rank from 0
 * @param world the number of ranks
 */
public record StoreLocation(List<Path> nvmePaths, String runId, int rank, int world) {
    private static final Pattern RUN_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

    /** Checks that there is a path and the run's name is one plain directory entry. */
    public StoreLocation {
        nvmePaths = List.copyOf(nvmePaths);
        if (nvmePaths.isEmpty()) {
            throw new IllegalArgumentException("A store lies in one path or more.");
        }
        if (!RUN_ID.matcher(runId).matches()) {
            throw new IllegalArgumentException(
                    "A run id is 1 to 128 letters, digits, '.', '_' or '-', was '%s'."
                            .formatted(runId));
        }
        if (world < 1 || rank < 0 || rank >= world) {
            throw new IllegalArgumentException(
                    "rank must be 0 to world - 1, was %d of %d.".formatted(rank, world));
        }
    }

    /** Creates a location in one path. */
    public StoreLocation(Path nvmePath, String runId, int rank, int world) {
        this(List.of(nvmePath), runId, rank, world);
    }

    /** Returns the path that is home. */
    public Path nvmePath() {
        return nvmePaths.getFirst();
    }

    /** Returns the same place in one of the paths alone. */
    StoreLocation in(int path) {
        return new StoreLocation(nvmePaths.get(path), runId, rank, world);
    }

    /** Returns the paths as they are found from everywhere. */
    List<Path> absolute() {
        return nvmePaths.stream().map(path -> path.toAbsolutePath().normalize()).toList();
    }

    /** Returns this rank's directories, home first. */
    List<Path> rankDirectories() {
        return IntStream.range(0, nvmePaths.size())
                .mapToObj(path -> in(path).rankDirectory())
                .toList();
    }

    /** Returns the directory that all ranks of the run share, at home. */
    public Path runDirectory() {
        return nvmePath().resolve("ds-" + runId);
    }

    /** Returns this rank's own directory, at home. */
    public Path rankDirectory() {
        return runDirectory().resolve("rank-%04d-of-%04d".formatted(rank, world));
    }
}
