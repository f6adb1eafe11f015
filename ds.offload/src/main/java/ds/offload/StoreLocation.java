package ds.offload;

import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Where one rank's files go: {@code nvme_path/ds-<runId>/rank-0003-of-0004/}.
 *
 * @param nvmePath an existing, writable directory
 * @param runId the run's own name, the same on all ranks: letters, digits, {@code . _ -}
 * @param rank from 0
 * @param world the number of ranks
 */
public record StoreLocation(Path nvmePath, String runId, int rank, int world) {
    private static final Pattern RUN_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

    /** Checks that the run's name is one plain directory entry. */
    public StoreLocation {
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

    /** Returns the directory that all ranks of the run share. */
    public Path runDirectory() {
        return nvmePath.resolve("ds-" + runId);
    }

    /** Returns this rank's own directory. */
    public Path rankDirectory() {
        return runDirectory().resolve("rank-%04d-of-%04d".formatted(rank, world));
    }
}
