package ds.config;

import ds.config.Explain.Explained;
import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Status;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * The JSON Schema (2020-12) of a configuration, for editors and other tools, made from the one table
 * of keys. It says of one value at a time what the reader says: types, ranges, words, names. Rules
 * between keys, such as the arithmetic of batch sizes, only the reader knows.
 *
 * <p>Beside the words of the standard: {@code x-status} ({@code implemented}, {@code no-effect},
 * {@code refused}), {@code x-reason}, {@code x-unit} and {@code x-aliases}.
 */
public final class ConfigSchema {
    private static final String DIALECT = "https://json-schema.org/draft/2020-12/schema";
    private static final String COMMENTS = "^(_|//)";
    private static final String ZERO = "zero_optimization";
    private static final String ZERO_BUCKET = "allgather_size";

    private final CheckOptions options;
    private final boolean closed;
    private final Map<String, Explained> said = new LinkedHashMap<>();
    private final Map<String, Object> definitions = ValueSchema.definitions();

    private ConfigSchema(CheckOptions options) {
        this.options = options;
        this.closed = !options.warnOnUnknownKeys().orElse(false);
        Explain.all().forEach(explained -> said.put(explained.path(), explained));
    }

    /**
     * Returns the schema as maps, lists, texts, numbers and truth values.
     *
     * @param options names the optimizers and schedules whose settings are described too, and says
     *     whether unknown keys are allowed
     */
    public static Map<String, Object> document(CheckOptions options) {
        return new ConfigSchema(options).root();
    }

    private Map<String, Object> root() {
        Map<String, Object> root = ValueSchema.map("$schema", DIALECT);
        root.put("$id", "urn:ds:config");
        root.put("title", "DeepSpeed configuration");
        root.put(
                "description",
                "Keys that begin with _ or // are comments. Rules between keys are not in here: "
                        + "'ds config check' knows them.");
        root.putAll(object(KeyTable.ROOT, "", "#", false));
        Map<String, Object> properties = inner(root, "properties");
        oldZero(root, properties);
        plugins(inner(properties, "optimizer"), options.optimizers(), "optimizer", true);
        plugins(inner(properties, "scheduler"), options.schedulers(), "scheduler", false);
        root.put("$defs", definitions);
        return root;
    }

    /** The one old form that is not a key of its own, and the key that is read only beside it. */
    private void oldZero(Map<String, Object> root, Map<String, Object> properties) {
        Map<String, Object> section = inner(properties, ZERO);
        Map<String, Object> object = new LinkedHashMap<>();
        for (String word :
                List.of("type", "properties", "patternProperties", "additionalProperties")) {
            Object value = section.remove(word);
            if (value != null) {
                object.put(word, value);
            }
        }
        Map<String, Object> old = ValueSchema.map("type", "boolean");
        old.put("deprecated", true);
        old.put("description", "Old form: true is stage 1, false is stage 0.");
        section.put("anyOf", List.of(object, old));
        Map<String, Object> size = ValueSchema.map("type", "integer");
        size.put("minimum", 0);
        size.put("deprecated", true);
        size.put("description", "Read only beside \"zero_optimization\": true.");
        properties.put(ZERO_BUCKET, size);
        if (closed) {
            Map<String, Object> beside =
                    ValueSchema.map("properties", Map.of(ZERO, Map.of("const", true)));
            beside.put("required", List.of(ZERO));
            root.put("dependentSchemas", Map.of(ZERO_BUCKET, beside));
        }
    }

    /** Says which settings go with which name; an unknown name leaves them open. */
    private void plugins(
            Map<String, Object> section,
            Map<String, List<KeyDeclaration>> plugins,
            String name,
            boolean anyCase) {
        List<Object> rules = new ArrayList<>();
        Map<String, List<KeyDeclaration>> sorted = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        sorted.putAll(plugins);
        for (Map.Entry<String, List<KeyDeclaration>> plugin : sorted.entrySet()) {
            String definition = name + "." + plugin.getKey();
            String pointer = "#/$defs/" + definition;
            Map<String, Object> settings =
                    object(plugin.getValue(), name + ".params.", pointer, false);
            settings.remove("type"); // that they are an object, null or "auto" is said beside
            settings.put("title", plugin.getKey());
            definitions.put(definition, settings);
            Map<String, Object> then =
                    ValueSchema.map("properties", Map.of("params", Map.of("$ref", pointer)));
            if (plugin.getValue().stream().anyMatch(key -> key.has(Trait.REQUIRED))) {
                then.put("required", List.of("params"));
            }
            Map<String, Object> rule = ValueSchema.map("if", named(plugin.getKey(), anyCase));
            rule.put("then", then);
            rules.add(rule);
        }
        if (!rules.isEmpty()) {
            section.put("allOf", rules);
            inner(inner(section, "properties"), "type")
                    .put(
                            "examples",
                            plugins.keySet().stream()
                                    .sorted(String.CASE_INSENSITIVE_ORDER)
                                    .toList());
        }
    }

    /** Returns the schema of a section that names this plug-in. */
    private static Map<String, Object> named(String plugin, boolean anyCase) {
        Map<String, Object> word =
                anyCase
                        ? ValueSchema.text("", ValueSchema.ignoringCase(List.of(plugin)))
                        : ValueSchema.map("const", plugin);
        Map<String, Object> section = ValueSchema.map("properties", Map.of("type", word));
        section.put("required", List.of("type"));
        return section;
    }

    private Map<String, Object> object(
            List<KeyDeclaration> keys, String path, String pointer, boolean open) {
        Map<String, Object> properties = new LinkedHashMap<>();
        List<String> required = new ArrayList<>();
        for (KeyDeclaration key : keys) {
            String at = pointer + "/properties/" + key.name();
            properties.put(key.name(), property(key, path + key.name(), at));
            for (String alias : key.aliases()) {
                Map<String, Object> same = ValueSchema.map("$ref", at);
                same.put("description", "Another spelling of '%s'.".formatted(key.name()));
                properties.put(alias, same);
            }
            if (key.has(Trait.REQUIRED)) {
                required.add(key.name());
            }
        }
        Map<String, Object> object = ValueSchema.map("type", "object");
        object.put("properties", properties);
        if (!required.isEmpty()) {
            object.put("required", required);
        }
        object.put("patternProperties", Map.of(COMMENTS, true));
        object.put("additionalProperties", open || !closed);
        return object;
    }

    private Map<String, Object> property(KeyDeclaration key, String path, String pointer) {
        Explained explained =
                said.getOrDefault(
                        path, new Explained(path, key, key.status(), key.reason(), List.of()));
        Map<String, Object> property = ValueSchema.map("title", path);
        property.put("description", description(key, explained));
        if (key.has(Trait.UNREAD)) {
            if (closed) {
                property.put("not", Map.of());
            }
        } else {
            property.putAll(ValueSchema.of(key, section(key, path, pointer)));
            key.defaultValue().ifPresent(value -> property.put("default", value));
        }
        if (key.has(Trait.DEPRECATED)) {
            property.put("deprecated", true);
        }
        property.put(
                "x-status", explained.status().name().toLowerCase(Locale.ROOT).replace('_', '-'));
        said(property, "x-reason", explained.reason());
        said(property, "x-unit", key.unit());
        if (!key.aliases().isEmpty()) {
            property.put("x-aliases", key.aliases());
        }
        return property;
    }

    private static String description(KeyDeclaration key, Explained explained) {
        boolean plain = explained.status() == Status.IMPLEMENTED && !key.has(Trait.DEPRECATED);
        return plain ? key.doc() : key.doc() + " (" + explained.standing() + ")";
    }

    private static void said(Map<String, Object> property, String word, String value) {
        if (!value.isEmpty()) {
            property.put(word, value);
        }
    }

    private Map<String, Object> section(KeyDeclaration key, String path, String pointer) {
        if (key.type() != Type.OBJECT) {
            return Map.of();
        }
        boolean alternatives =
                key.has(Trait.NULLABLE) || key.has(Trait.EMPTY_IF_NULL) || path.equals(ZERO);
        String here = alternatives ? pointer + "/anyOf/0" : pointer;
        if (!key.has(Trait.NAMED)) {
            return object(key.keys(), path + ".", here, key.has(Trait.OPEN));
        }
        Map<String, Object> named = ValueSchema.map("type", "object");
        named.put("patternProperties", Map.of(COMMENTS, true));
        named.put(
                "additionalProperties",
                object(key.keys(), path + ".", here + "/additionalProperties", false));
        return named;
    }

    @SuppressWarnings("unchecked") // every map in a schema was made here, with names as keys
    private static Map<String, Object> inner(Map<String, Object> map, String name) {
        return (Map<String, Object>) Objects.requireNonNull(map.get(name));
    }
}
