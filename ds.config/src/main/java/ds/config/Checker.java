package ds.config;

import ds.core.Diagnostic;
import ds.core.Diagnostic.Phase;
import ds.core.Diagnostic.Severity;
import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Takes a located document through the key table and the rules that span several keys. */
final class Checker {
    /** Code of keys that are known and read by nobody. */
    static final String UNREAD_KEY = "unread-key";

    /** Codes of keys that change nothing, which may be asked to be warnings. */
    private static final Set<String> UNREAD = Set.of("unknown-key", UNREAD_KEY);

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
        Optional<DsConfig> config = Optional.empty();
        Map<String, Object> resolved = Map.of();
        List<Diagnostic> unread = new ArrayList<>();
        Settings.Checked checked =
                Settings.validate(
                        KeyTable.ROOT,
                        ElasticRules.readable(oneName(modern(), unread), unread),
                        "");
        Settings root = Effective.of(checked.settings());
        boolean warn = options.warnOnUnknownKeys().orElse(asksForWarnings(root));
        checked.diagnostics().forEach(d -> found.add(WrongSection.advise(relaxed(d, warn))));
        found.addAll(CrossRules.check(checked.settings(), isOldName()));
        found.addAll(RuntimeRules.check(root));
        unread.addAll(ExtendedRules.check(checked.settings()));
        unread.addAll(ParameterGroupKeys.check(checked.settings()));
        OptionalInt ranks = Ranks.of(options, checked.settings(), unread);
        unread.forEach(d -> found.add(relaxed(d, warn)));
        found.addAll(ElasticRules.check(checked.settings(), options.environment()));
        BatchSizes batch = DsConfig.batch(root);
        found.addAll(batch(root, batch, ranks));
        plugin(root, "optimizer", options.optimizers(), true);
        plugin(root, "scheduler", options.schedulers(), false);
        if (found.stream().noneMatch(Diagnostic::isError)) {
            RuntimeRules.optimizer(root).ifPresent(found::add);
        }
        if (found.stream().noneMatch(d -> d.isError() && d.phase() == Phase.CONFIG)) {
            List<Diagnostic> remarks = found.stream().map(document::locate).toList();
            Settings read = withoutUnread(checked.settings());
            Settings effective = Effective.of(read);
            config = Optional.of(new DsConfig(read, effective, document, remarks));
            resolved = Resolved.of(effective, batch, ranks);
        }
        return new ConfigCheck(origin, config, document.arrange(found), resolved, document.text());
    }

    private boolean isOldName() {
        return document.root().get(PrecisionKeys.OLD_BF16) != null
                && document.root().get(PrecisionKeys.BF16) == null;
    }

    /** Of the two names of one section the old one is read only without the new one. */
    private static Map<String, Object> oneName(Map<String, Object> root, List<Diagnostic> unread) {
        if (root.get(PrecisionKeys.OLD_BF16) == null || root.get(PrecisionKeys.BF16) == null) {
            return root;
        }
        unread.add(
                Diagnostic.error(
                                "unread-key",
                                "/" + PrecisionKeys.OLD_BF16,
                                "'%s' is read by nobody: there is '%s', its new name."
                                        .formatted(PrecisionKeys.OLD_BF16, PrecisionKeys.BF16),
                                "Keep one of them.")
                        .alongside("/" + PrecisionKeys.BF16, "the section that is read"));
        Map<String, Object> readable = new LinkedHashMap<>(root);
        readable.remove(PrecisionKeys.OLD_BF16);
        return readable;
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
            rewritten.remove("allgather_size");
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
        return warn && UNREAD.contains(diagnostic.code())
                ? diagnostic.as(Severity.WARNING)
                : diagnostic;
    }

    /** Returns the settings without what nobody reads: it is no part of what the document means. */
    private Settings withoutUnread(Settings settings) {
        Settings read = settings;
        for (Diagnostic diagnostic : found) {
            if (diagnostic.code().equals(UNREAD_KEY)) {
                read = without(read, Pointers.names(diagnostic.pointer()));
            }
        }
        return read;
    }

    private static Settings without(Settings settings, List<String> names) {
        String name = names.getFirst();
        if (names.size() == 1) {
            return settings.without(name);
        }
        List<String> deeper = names.subList(1, names.size());
        return settings.value(name).orElse(null) instanceof Settings section
                ? settings.with(name, without(section, deeper))
                : settings;
    }

    private List<Diagnostic> batch(Settings root, BatchSizes batch, OptionalInt ranks) {
        boolean broken =
                found.stream()
                        .anyMatch(
                                d ->
                                        d.isError()
                                                && d.phase() == Phase.CONFIG
                                                && d.pointer()
                                                        .matches(
                                                                "/(train_.*batch_size.*|gradient_acc.*|sequence_parallel_size|elasticity.*)"));
        if (broken) {
            return List.of();
        }
        boolean undecided = !batch.auto().isEmpty();
        if (undecided) {
            return List.of();
        }
        List<Diagnostic> beyond = BatchRules.beyond(root, document);
        if (!beyond.isEmpty()) {
            return beyond;
        }
        if (batch.isMissing()) {
            return List.of(BatchRules.missing(document));
        }
        return ranks.isPresent() ? batch.check(ranks.getAsInt()) : batch.checkAnyWorld();
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
            found.add(
                    section.get()
                            .unknownType(
                                    known.keySet().stream()
                                            .sorted(String.CASE_INSENSITIVE_ORDER)
                                            .toList()));
            return;
        }
        section.get()
                .check(known.getOrDefault(match.get(), List.of()))
                .diagnostics()
                .forEach(found::add);
    }
}
