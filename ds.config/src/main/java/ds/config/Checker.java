package ds.config;

import ds.core.Diagnostic;
import ds.core.Diagnostic.Phase;
import ds.core.Diagnostic.Severity;
import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.core.Spelling;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Takes a located document through the key table and the rules that span several keys. */
final class Checker {
    private final LocatedDocument document;
    private final CheckOptions options;
    private final List<Diagnostic> found = new ArrayList<>();

    private Checker(LocatedDocument document, CheckOptions options) {
        this.document = document;
        this.options = options;
    }

    static ConfigCheck check(String origin, LocatedDocument document, CheckOptions options) {
        return new Checker(document, options).run(origin);
    }

    private ConfigCheck run(String origin) {
        found.addAll(document.problems());
        boolean readable = found.stream().noneMatch(d -> !d.code().equals("duplicate-key"));
        Optional<DsConfig> config = Optional.empty();
        Map<String, Object> resolved = Map.of();
        if (readable) {
            Settings.Checked checked = Settings.validate(KeyTable.ROOT, modern(), "");
            Settings root = Effective.of(checked.settings());
            boolean warn = options.warnOnUnknownKeys().orElse(asksForWarnings(root));
            checked.diagnostics().forEach(d -> found.add(WrongSection.advise(relaxed(d, warn))));
            found.addAll(
                    CrossRules.check(checked.settings(), document.root().get("bfloat16") != null));
            BatchSizes batch = DsConfig.batch(root);
            found.addAll(batch(root, batch));
            plugin(root, "optimizer", options.optimizers(), true);
            plugin(root, "scheduler", options.schedulers(), false);
            if (found.stream().noneMatch(d -> d.isError() && d.phase() == Phase.CONFIG)) {
                List<Diagnostic> remarks = found.stream().map(document::locate).toList();
                config = Optional.of(new DsConfig(root, document, remarks));
                resolved = Resolved.of(root, batch, options.worldSize());
            }
        }
        List<Diagnostic> located = new ArrayList<>();
        found.forEach(d -> located.add(document.locate(d)));
        located.sort(
                Comparator.comparingInt(Diagnostic::line).thenComparingInt(Diagnostic::column));
        return new ConfigCheck(origin, config, located, resolved, document.text());
    }

    /** Rewrites the one old form that is not a key of its own: {@code zero_optimization: true}. */
    private Map<String, Object> modern() {
        Object zero = document.root().get("zero_optimization");
        if (!(zero instanceof Boolean on)) {
            return document.root();
        }
        Map<String, Object> rewritten = new LinkedHashMap<>(document.root());
        Map<String, Object> section = new LinkedHashMap<>();
        section.put("stage", on ? 1 : 0);
        if (on && document.root().get("allgather_size") instanceof Number size) {
            section.put("allgather_bucket_size", size);
        }
        rewritten.put("zero_optimization", section);
        found.add(
                Diagnostic.warning(
                        "deprecated",
                        "/zero_optimization",
                        "'zero_optimization' as true or false is an old form.",
                        "Write {\"stage\": %d} instead.".formatted(on ? 1 : 0)));
        return rewritten;
    }

    private static boolean asksForWarnings(Settings root) {
        return root.section("jvm").stringOr("unknown_keys", "error").equals("warn");
    }

    private static Diagnostic relaxed(Diagnostic diagnostic, boolean warn) {
        return warn && diagnostic.code().equals("unknown-key")
                ? diagnostic.as(Severity.WARNING)
                : diagnostic;
    }

    private List<Diagnostic> batch(Settings root, BatchSizes batch) {
        boolean broken =
                found.stream()
                        .anyMatch(
                                d ->
                                        d.isError()
                                                && Pointers.parent(d.pointer()).isEmpty()
                                                && Pointers.last(d.pointer())
                                                        .matches(
                                                                "train_.*batch_size.*|gradient_acc.*"));
        if (broken) {
            return List.of();
        }
        boolean undecided = !batch.auto().isEmpty();
        if (undecided) {
            return List.of();
        }
        return options.worldSize().isPresent()
                ? batch.check(options.worldSize().getAsInt())
                : batch.checkAnyWorld();
    }

    private void plugin(
            Settings root, String name, Map<String, List<KeyDeclaration>> known, boolean anyCase) {
        Optional<PluginSection> section = DsConfig.plugin(root, name, document);
        if (known.isEmpty() || section.isEmpty()) {
            return;
        }
        String type = section.get().type();
        Optional<String> match =
                known.keySet().stream()
                        .filter(n -> anyCase ? n.equalsIgnoreCase(type) : n.equals(type))
                        .findFirst();
        if (match.isEmpty()) {
            found.add(section.get().unknownType(known.keySet().stream().sorted().toList()));
            return;
        }
        section.get()
                .check(known.getOrDefault(match.get(), List.of()))
                .diagnostics()
                .forEach(found::add);
    }

    /** Finds keys that are known, only elsewhere. */
    static final class WrongSection {
        private static final Map<String, String> SECTIONS = sections();

        /** Names that documents, older releases or other libraries use, and what is meant. */
        private static final Map<String, String> OTHER_NAMES =
                Map.of(
                        "thread_count", "'intra_op_parallelism' in 'aio'",
                        "check_overflow", "'check_grad_overflow' in 'bf16'",
                        "partitioned_activations",
                                "'partition_activations' in 'activation_checkpointing'",
                        "max_grad_norm", "'gradient_clipping' at the top level",
                        "learning_rate", "'lr' in 'optimizer.params'",
                        "batch_size", "'train_batch_size' at the top level");

        private WrongSection() {}

        static Diagnostic advise(Diagnostic diagnostic) {
            if (!diagnostic.code().equals("unknown-key")) {
                return diagnostic;
            }
            String name = Pointers.last(diagnostic.pointer());
            String meant = OTHER_NAMES.get(name);
            if (meant != null) {
                return diagnostic.suggesting("Write " + meant + ".");
            }
            String home = SECTIONS.get(name);
            if (home != null) {
                return diagnostic.suggesting("'%s' belongs in %s.".formatted(name, home));
            }
            if (diagnostic.suggestion().startsWith("Did you mean")) {
                return diagnostic;
            }
            List<String> near = Spelling.nearest(name, SECTIONS.keySet(), 1);
            return near.isEmpty()
                    ? diagnostic
                    : diagnostic.suggesting(
                            "Did you mean '%s' in %s?"
                                    .formatted(near.getFirst(), SECTIONS.get(near.getFirst())));
        }

        private static Map<String, String> sections() {
            Map<String, String> homes = new LinkedHashMap<>();
            collect(KeyTable.ROOT, "", homes);
            return Map.copyOf(homes);
        }

        private static void collect(
                List<KeyDeclaration> keys, String path, Map<String, String> homes) {
            for (KeyDeclaration key : keys) {
                String home = path.isEmpty() ? "the top level" : "'" + path + "'";
                homes.putIfAbsent(key.name(), home);
                key.aliases().forEach(alias -> homes.putIfAbsent(alias, home));
            }
            for (KeyDeclaration key : keys) {
                String inner = path.isEmpty() ? key.name() : path + "." + key.name();
                collect(key.keys(), inner, homes);
            }
        }
    }
}
