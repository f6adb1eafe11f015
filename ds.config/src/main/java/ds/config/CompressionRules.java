package ds.config;

import ds.core.Diagnostic;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What DeepSpeed requires and derives inside {@code compression_training}. */
final class CompressionRules {
    private static final String SHARED = "shared_parameters";
    private static final String GROUPS = "different_groups";
    private static final String SNIP = "snip_momentum";
    private static final List<String> TECHNIQUES =
            List.of(
                    "weight_quantization",
                    "activation_quantization",
                    "sparse_pruning",
                    "row_pruning",
                    "head_pruning",
                    "channel_pruning");
    private static final Set<String> SNIP_ONLY =
            Set.of(
                    "block_pattern",
                    "dense_ratio",
                    "schedule_offset_stride",
                    "excluded_modules",
                    "schedule_offset_end");

    private final Settings section;
    private final List<Diagnostic> found = new ArrayList<>();

    private CompressionRules(Settings section) {
        this.section = section;
    }

    static List<Diagnostic> check(Settings section) {
        CompressionRules rules = new CompressionRules(section);
        rules.sparse();
        rules.heads();
        return rules.found;
    }

    /** Returns the section with what DeepSpeed derives: flat mixed quantization, group defaults. */
    static Settings effective(Settings section) {
        Settings full = section;
        for (String technique : TECHNIQUES) {
            Settings of = full.section(technique);
            Settings groups = of.section(GROUPS);
            for (String name : List.copyOf(groups.names())) {
                Settings group = groups.section(name);
                if (!group.has("modules")) {
                    groups = groups.with(name, group.with("modules", "*"));
                }
            }
            full = full.with(technique, of.with(GROUPS, groups));
        }
        Settings weights = full.section("weight_quantization");
        Settings shared = weights.section(SHARED);
        if (shared.value("fp16_mixed_quantize").orElse(null) instanceof Settings mixed) {
            shared =
                    shared.with("fp16_mixed_quantize", mixed.booleanOr("enabled", false))
                            .with(
                                    "quantize_change_ratio",
                                    mixed.doubleOr("quantize_change_ratio", 0.001));
        }
        full = full.with("weight_quantization", weights.with(SHARED, shared));
        Settings sparse = full.section("sparse_pruning");
        Settings pruning = sparse.section(SHARED);
        if (!pruning.has("schedule_offset_end")) {
            pruning = pruning.with("schedule_offset_end", pruning.longOr("schedule_offset", 1000));
        }
        return full.with("sparse_pruning", sparse.with(SHARED, pruning));
    }

    private void sparse() {
        Settings shared = section.section("sparse_pruning").section(SHARED);
        String at = at("/sparse_pruning/" + SHARED);
        if (!shared.stringOr("method", "l1").equals(SNIP)) {
            for (String name : shared.names()) {
                if (SNIP_ONLY.contains(name) && shared.isGiven(name)) {
                    found.add(
                            ExtendedRules.unread(
                                    at, name, "where 'method' is not \"%s\"".formatted(SNIP)));
                }
            }
            return;
        }
        long first = shared.longOr("schedule_offset", 1000);
        long last = shared.longOr("schedule_offset_end", first);
        if (last < first) {
            found.add(
                    Diagnostic.error(
                                    "conflict",
                                    at + "/schedule_offset_end",
                                    "'schedule_offset_end' %d is before 'schedule_offset' %d."
                                            .formatted(last, first),
                                    "")
                            .alongside(at + "/schedule_offset", "the first step"));
        }
    }

    private void heads() {
        Settings shared = section.section("head_pruning").section(SHARED);
        boolean on = shared.booleanOr("enabled", false);
        if (on && !shared.has("num_heads")) {
            found.add(
                    missing(
                            "/head_pruning/" + SHARED,
                            "num_heads",
                            "it is needed where 'enabled' is true."));
        } else if (!on && shared.has("num_heads")) {
            String at = at("/head_pruning/" + SHARED);
            found.add(ExtendedRules.unread(at, "num_heads", "where 'enabled' is false"));
        }
    }

    private static Diagnostic missing(String inside, String name, String what) {
        return Diagnostic.error(
                "missing", at(inside), "'%s' is missing; %s".formatted(name, what), "");
    }

    private static String at(String inside) {
        return "/" + CompressionKeys.SECTION + inside;
    }
}
