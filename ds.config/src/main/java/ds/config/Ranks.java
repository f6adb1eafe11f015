package ds.config;

import ds.core.Diagnostic;
import ds.core.Settings;
import java.util.List;
import java.util.OptionalInt;

/** How many ranks hold different samples: all of them, or one per group that shares a sequence. */
final class Ranks {
    private static final String KEY = "sequence_parallel_size";

    private Ranks() {}

    /**
     * Returns the data-parallel ranks, empty if the number of ranks is not known. What the caller
     * knows of the groups goes before what the document says.
     */
    static OptionalInt of(CheckOptions options, Settings root, List<Diagnostic> found) {
        boolean grouped =
                options.dataParallelSize().isPresent()
                        || options.sequenceParallelSize().isPresent();
        if (grouped && root.isGiven(KEY)) {
            found.add(ExtendedRules.unread("", KEY, "where the caller gives the size of a group"));
        }
        if (options.dataParallelSize().isPresent() || options.worldSize().isEmpty()) {
            return options.dataParallelSize();
        }
        int world = options.worldSize().getAsInt();
        long group = options.sequenceParallelSize().orElse(0);
        if (group == 0) {
            group = root.longOr(KEY, 1);
        }
        if (group < 1 || world % group != 0) {
            if (group >= 1) {
                found.add(
                        Diagnostic.error(
                                "batch",
                                "/" + KEY,
                                "'%s' %d does not divide %d (ranks).".formatted(KEY, group, world),
                                "Use a divisor, or remove it."));
            }
            return OptionalInt.empty();
        }
        return OptionalInt.of((int) (world / group));
    }
}
