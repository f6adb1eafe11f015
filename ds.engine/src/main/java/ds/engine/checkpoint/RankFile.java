package ds.engine.checkpoint;

import java.util.List;
import java.util.Locale;

/**
 * One finished file of a checkpoint.
 *
 * @param name the file's name
 * @param sizeBytes its size
 * @param sha256 digest of the whole file, hexadecimal
 * @param blockCrcs CRC32C of each block of 1 MiB, the last one shorter
 */
public record RankFile(String name, long sizeBytes, String sha256, List<Integer> blockCrcs) {
    /** Copies the list. */
    public RankFile {
        blockCrcs = List.copyOf(blockCrcs);
    }

    static String name(int rank, int worldSize) {
        return String.format(Locale.ROOT, "rank-%04d-of-%04d.safetensors", rank, worldSize);
    }
}
