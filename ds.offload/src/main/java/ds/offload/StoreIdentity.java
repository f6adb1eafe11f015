package ds.offload;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * Whose state a store holds; the same on every rank of a run.
 *
 * @param layoutHash what the model, its division among the ranks and the optimizer's slots come to;
 *     a store goes on only where it is the same
 * @param configHash of the configuration's text
 * @param about what else a run is to be known by, such as {@code model} and {@code config}: at most
 *     {@value #ABOUT_BYTES_MAX} bytes together
 */
public record StoreIdentity(String layoutHash, String configHash, Map<String, String> about) {
    /** The most bytes of {@code about}, in UTF-8. */
    public static final int ABOUT_BYTES_MAX = 1 << 16;

    private static final int HASH_CHARS_MAX = 128;

    /** Copies the map and checks the sizes. */
    public StoreIdentity {
        about = Map.copyOf(about);
        if (layoutHash.length() > HASH_CHARS_MAX || configHash.length() > HASH_CHARS_MAX) {
            throw new IllegalArgumentException(
                    "A hash has at most %d characters.".formatted(HASH_CHARS_MAX));
        }
        int size = 0;
        for (Map.Entry<String, String> entry : about.entrySet()) {
            size += entry.getKey().getBytes(StandardCharsets.UTF_8).length;
            size += entry.getValue().getBytes(StandardCharsets.UTF_8).length + 2 * Integer.BYTES;
        }
        if (size > ABOUT_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "What a store says about its run has %,d bytes; at most %,d fit."
                            .formatted(size, ABOUT_BYTES_MAX));
        }
    }

    /** Returns {@code about} in order of its keys. */
    public Map<String, String> sorted() {
        return new TreeMap<>(about);
    }
}
