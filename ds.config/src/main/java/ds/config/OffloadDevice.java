package ds.config;

import java.util.Locale;

/** Where something rests that is not in use. */
public enum OffloadDevice {
    /** Where it is used. */
    NONE,
    /** Host memory. */
    CPU,
    /** Files on an NVMe volume. */
    NVME;

    static OffloadDevice of(String word) {
        return valueOf(word.toUpperCase(Locale.ROOT));
    }
}
