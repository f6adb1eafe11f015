package ds.config;

import ds.config.ResolvedValue.Origin;
import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Tells of every resolved value where it came from. */
final class Origins {
    private static final Set<String> BATCH =
            Set.of(BatchSizes.TRAIN, BatchSizes.MICRO, BatchSizes.ACCUMULATION);
    private static final Map<String, Object> DEFAULTS = defaults();

    /**
     * A key as the document wrote it.
     *
     * @param pointer JSON pointer of its value, in the document's own spelling
     * @param alias whether a name on the way is another spelling
     */
    private record Written(String pointer, boolean alias, boolean auto) {}

    private final Settings read;
    private final Settings root;
    private final LocatedDocument document;
    private final Set<String> unread;
    private final CheckOptions options;
    private final Map<String, Written> written = new HashMap<>();
    private final BatchSizes batch;
    private final OptionalInt ranks;

    Origins(DsConfig config, CheckOptions options) {
        this.read = config.read();
        this.root = config.effective();
        this.document = config.document();
        this.unread = config.unread();
        this.options = options;
        this.batch = DsConfig.batch(root);
        this.ranks = Ranks.of(options, root, new ArrayList<>());
        note(KeyTable.ROOT, document.root(), new Written("", false, false), "");
    }

    private static Map<String, Object> defaults() {
        Settings none = Effective.of(Settings.validate(KeyTable.ROOT, Map.of(), "").settings());
        return Resolved.of(none, DsConfig.batch(none), OptionalInt.empty());
    }

    List<ResolvedValue> list() {
        Map<String, ResolvedValue> found = new LinkedHashMap<>();
        Map<String, Object> resolved = Resolved.of(root, batch, ranks);
        resolved.forEach((path, value) -> found.put(path, valued(path, value)));
        Map<String, ResolvedValue> all = new LinkedHashMap<>();
        found.forEach(
                (path, value) -> {
                    all.put(path, value);
                    // defaults of a plug-in follow its name
                    plugin("optimizer", path, options.optimizers(), found, all);
                    plugin("scheduler", path, options.schedulers(), found, all);
                });
        return List.copyOf(all.values());
    }

    private ResolvedValue valued(String path, Object value) {
        if (BATCH.contains(path)) {
            return batch(path, value);
        }
        Optional<String> cause = cause(path, value);
        if (cause.isPresent()) {
            return new ResolvedValue(path, Optional.of(value), Origin.DERIVED, cause.get(), 0, 0);
        }
        Written own = written.get(path);
        if (own != null) {
            return placed(path, value, own);
        }
        Optional<ResolvedValue> old = old(path, value);
        if (old.isPresent()) {
            return old.get();
        }
        boolean other = DEFAULTS.containsKey(path) && !Meaning.same(value, DEFAULTS.get(path));
        return new ResolvedValue(
                path,
                Optional.ofNullable(value),
                other ? Origin.DERIVED : Origin.DEFAULT,
                other ? "other values, as DeepSpeed does" : "",
                0,
                0);
    }

    private ResolvedValue placed(String path, Object value, Written own) {
        Origin origin = own.auto() ? Origin.AUTO : own.alias() ? Origin.ALIAS : Origin.FILE;
        String from = own.alias() ? Pointers.dotted(own.pointer()) : "";
        return at(
                own.pointer(),
                new ResolvedValue(path, Optional.ofNullable(value), origin, from, 0, 0));
    }

    private ResolvedValue at(String pointer, ResolvedValue value) {
        Place place = document.keys().getOrDefault(pointer, document.values().get(pointer));
        return place == null
                ? value
                : new ResolvedValue(
                        value.path(),
                        value.value(),
                        value.origin(),
                        value.from(),
                        place.line(),
                        place.column());
    }

    private ResolvedValue batch(String path, Object value) {
        Optional<Object> known = Optional.ofNullable(value);
        if (batch.elastic().isPresent() && known.isPresent() && ranks.isPresent()) {
            return new ResolvedValue(path, known, Origin.DERIVED, "elasticity", 0, 0);
        }
        Written own = written.get(path);
        if (own != null && root.isGiven(path) && (known.isPresent() || own.auto())) {
            return placed(path, value, own);
        }
        boolean one =
                path.equals(BatchSizes.ACCUMULATION)
                        && batch.elastic().isEmpty()
                        && !batch.auto().contains(path)
                        && (batch.train().isEmpty()
                                || (batch.micro().isEmpty()
                                        && !batch.auto().contains(BatchSizes.MICRO)));
        if (one) {
            return new ResolvedValue(path, Optional.of(1L), Origin.DEFAULT, "", 0, 0);
        }
        return known.isEmpty()
                ? new ResolvedValue(path, known, Origin.DEFAULT, "", 0, 0)
                : new ResolvedValue(path, known, Origin.DERIVED, arithmetic(path), 0, 0);
    }

    /** Returns the arithmetic that gives a batch size. */
    private String arithmetic(String path) {
        String w = ranks.orElse(1) + (ranks.orElse(1) == 1 ? " (rank)" : " (ranks)");
        BatchSizes.Resolved sizes = batch.resolve(ranks.orElse(1));
        String train = sizes.train() + " (train)";
        String micro = sizes.micro() + " (micro)";
        String accumulation = sizes.accumulation() + " (accumulation)";
        return switch (path) {
            case BatchSizes.TRAIN -> String.join(" x ", micro, accumulation, w);
            case BatchSizes.MICRO -> String.join(" / ", train, accumulation, w);
            default -> String.join(" / ", train, micro, w);
        };
    }

    /** Returns what decided a value that the document did not, or not alone. */
    private Optional<String> cause(String path, Object value) {
        if (path.equals("wall_clock_breakdown")
                && !read.booleanOr(path, false)
                && Boolean.TRUE.equals(value)) {
            return Optional.of("flops_profiler.enabled");
        }
        boolean overlap = path.equals("zero_optimization.overlap_comm");
        return overlap
                        && !read.section(OldKeys.SECTION).has("overlap_comm")
                        && value == Boolean.TRUE
                ? Optional.of("zero_optimization.stage")
                : Optional.empty();
    }

    private Optional<ResolvedValue> old(String path, Object value) {
        String prefix = OldKeys.SECTION + ".";
        if (!path.startsWith(prefix)) {
            return Optional.empty();
        }
        Settings zero = read.section(OldKeys.SECTION);
        for (OldKeys old : OldKeys.values()) {
            if (old.path().equals(path) && old.meaning(zero).isPresent()) {
                return Optional.of(from(path, value, "/" + OldKeys.SECTION + "/" + old.key()));
            }
        }
        if (!(document.root().get(OldKeys.SECTION) instanceof Boolean)) {
            return Optional.empty();
        }
        String key = path.substring(prefix.length());
        return key.equals("stage")
                ? Optional.of(from(path, value, "/" + OldKeys.SECTION))
                : key.equals("allgather_bucket_size") && zero.isGiven(key)
                        ? Optional.of(from(path, value, "/allgather_size"))
                        : Optional.empty();
    }

    private ResolvedValue from(String path, Object value, String pointer) {
        return at(
                pointer,
                new ResolvedValue(
                        path,
                        Optional.ofNullable(value),
                        Origin.OLD,
                        Pointers.dotted(pointer),
                        0,
                        0));
    }

    private void note(List<KeyDeclaration> keys, Map<?, ?> object, Written around, String prefix) {
        object.forEach(
                (name, value) -> {
                    String spelling = String.valueOf(name);
                    Optional<KeyDeclaration> key =
                            keys.stream().filter(k -> Canonical.isSpelled(k, spelling)).findFirst();
                    String own = key.map(KeyDeclaration::name).orElse(spelling);
                    Written here =
                            new Written(
                                    Pointers.child(around.pointer(), spelling),
                                    around.alias() || !own.equals(spelling),
                                    Settings.AUTO.equals(value) && key.isPresent());
                    note(key, value, here, prefix + own);
                });
    }

    private void note(Optional<KeyDeclaration> key, Object value, Written here, String path) {
        boolean twin = value == null && written.containsKey(path);
        boolean nobody = key.map(k -> k.has(Trait.UNREAD)).orElse(false);
        if (nobody || unread.contains(here.pointer())) {
            return;
        }
        if (!twin) {
            written.put(path, here);
        }
        if (!(value instanceof Map<?, ?> inner)) {
            return;
        }
        boolean named = key.map(k -> k.has(Trait.NAMED)).orElse(false);
        List<KeyDeclaration> keys =
                key.filter(k -> k.type() == Type.OBJECT)
                        .map(KeyDeclaration::keys)
                        .orElse(List.of());
        if (named) {
            inner.forEach(
                    (name, each) -> {
                        Written at =
                                new Written(
                                        Pointers.child(here.pointer(), String.valueOf(name)),
                                        here.alias(),
                                        false);
                        if (each instanceof Map<?, ?> map) {
                            note(keys, map, at, path + "." + name + ".");
                        }
                    });
        } else {
            note(keys, inner, here, path + ".");
        }
    }

    private void plugin(
            String section,
            String path,
            Map<String, List<KeyDeclaration>> known,
            Map<String, ResolvedValue> found,
            Map<String, ResolvedValue> all) {
        Optional<PluginSection> plugin = DsConfig.plugin(root, section, document);
        if (!path.equals(section + ".type") || plugin.isEmpty()) {
            return;
        }
        List<KeyDeclaration> keys =
                known.entrySet().stream()
                        .filter(entry -> entry.getKey().equalsIgnoreCase(plugin.get().type()))
                        .map(Map.Entry::getValue)
                        .findFirst()
                        .orElse(List.of());
        Settings.Checked checked = plugin.get().check(keys);
        for (KeyDeclaration key : checked.isUsable() ? keys : List.<KeyDeclaration>of()) {
            String name = section + ".params." + key.name();
            Optional<Object> value = checked.settings().value(key.name());
            if (!checked.settings().isGiven(key.name()) && value.isPresent()) {
                all.put(name, new ResolvedValue(name, value, Origin.DEFAULT, "", 0, 0));
            }
        }
    }
}
