package ds.offload;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a store is for: whether anybody can need it after its process is gone. */
public enum StoreUse {
    /** Optimizer state with commits. */
    DURABLE,
    /** Optimizer state written in place: a crash costs it. */
    IN_PLACE,
    /** Parameters, which are rebuilt from masters. */
    CACHE;

    /** Returns the word in the owner's file. */
    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Returns the use of a word; empty if it is none. */
    static Optional<StoreUse> named(String word) {
        return Arrays.stream(values()).filter(use -> use.word().equals(word)).findAny();
    }
}
