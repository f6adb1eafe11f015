package ds.config;

import ds.core.Diagnostic;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Rules inside the sections of techniques that are not here, as DeepSpeed applies them. */
final class ExtendedRules {
    private static final Map<String, Set<String>> SPARSE_MODES =
            Map.of(
                    "dense", Set.of(),
                    "fixed",
                            Set.of(
                                    "different_layout_per_head",
                                    "num_local_blocks",
                                    "num_global_blocks",
                                    "attention",
                                    "horizontal_global_attention",
                                    "num_different_global_patterns"),
                    "variable",
                            Set.of(
                                    "different_layout_per_head",
                                    "num_random_blocks",
                                    "local_window_blocks",
                                    "global_block_indices",
                                    "global_block_end_indices",
                                    "attention",
                                    "horizontal_global_attention"),
                    "bigbird",
                            Set.of(
                                    "different_layout_per_head",
                                    "num_random_blocks",
                                    "num_sliding_window_blocks",
                                    "num_global_blocks"),
                    "bslongformer",
                            Set.of(
                                    "different_layout_per_head",
                                    "num_sliding_window_blocks",
                                    "global_block_indices",
                                    "global_block_end_indices"));

    private final Settings root;
    private final List<Diagnostic> found = new ArrayList<>();

    private ExtendedRules(Settings root) {
        this.root = root;
    }

    static List<Diagnostic> check(Settings root) {
        ExtendedRules rules = new ExtendedRules(root);
        rules.sparseAttention();
        rules.dataEfficiency();
        rules.plugin("optimizer");
        rules.plugin("scheduler");
        rules.found.addAll(CompressionRules.check(root.section(CompressionKeys.SECTION)));
        return rules.found;
    }

    private void sparseAttention() {
        Settings section = root.section(ServiceKeys.SPARSE);
        String mode = section.stringOr("mode", "");
        if (!SPARSE_MODES.containsKey(mode)) {
            return; // the enum of the table says so
        }
        Set<String> read = SPARSE_MODES.getOrDefault(mode, Set.of());
        for (String name : section.names()) {
            if (section.isGiven(name)
                    && !read.contains(name)
                    && !name.equals("mode")
                    && !name.equals("block")) {
                found.add(unread("/" + ServiceKeys.SPARSE, name, "where mode is \"" + mode + "\""));
            }
        }
    }

    private void dataEfficiency() {
        String at = "/data_efficiency/data_sampling";
        Settings sampling = root.section("data_efficiency").section("data_sampling");
        needs(
                sampling.section("curriculum_learning"),
                at + "/curriculum_learning",
                "curriculum_metrics");
        needs(sampling.section("dynamic_batching"), at + "/dynamic_batching", "max_tokens");
    }

    private void needs(Settings section, String at, String name) {
        if (section.booleanOr("enabled", false) && !section.has(name)) {
            found.add(
                    Diagnostic.error(
                            "missing",
                            at,
                            "'%s' is missing; it is needed where 'enabled' is true."
                                    .formatted(name),
                            ""));
        }
    }

    private void plugin(String name) {
        Settings section = root.section(name);
        if (!section.has("type") && section.has("params")) {
            found.add(
                    unread(
                            "/" + name,
                            "params",
                            "without '" + name + ".type'",
                            "Name one, such as \"type\": \"%s\", or remove 'params'."
                                    .formatted(name.equals("optimizer") ? "AdamW" : "WarmupLR")));
        }
    }

    static Diagnostic unread(String at, String name, String with) {
        return unread(at, name, with, "Remove it.");
    }

    private static Diagnostic unread(String at, String name, String with, String wayOut) {
        return Diagnostic.error(
                "unread-key",
                at + "/" + name,
                "'%s' is read by nobody %s.".formatted(name, with),
                wayOut);
    }
}
