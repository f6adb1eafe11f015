package ds.config;

import ds.core.Diagnostic;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** The JSON document of {@code ds config check --format json}. */
public final class CheckReport {
    private static final JsonFactory FACTORY = JsonFactory.builder().build();

    private CheckReport() {}

    /**
     * Returns one JSON document with a result per file: {@code file}, {@code ok}, {@code runnable},
     * {@code resolved} (dotted path to value, defaults included) and {@code diagnostics}.
     */
    public static String json(List<ConfigCheck> checks) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
            write(out, document(checks));
        }
        return text.toString();
    }

    /** Returns the same document as maps and lists, for callers with a JSON writer of their own. */
    public static Map<String, Object> document(List<ConfigCheck> checks) {
        return Map.of("results", checks.stream().map(CheckReport::result).toList());
    }

    private static Map<String, Object> result(ConfigCheck check) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("file", check.origin());
        result.put("ok", check.isOk());
        result.put("runnable", check.isRunnable());
        result.put("resolved", check.resolved());
        result.put("diagnostics", check.diagnostics().stream().map(CheckReport::entry).toList());
        return result;
    }

    private static Map<String, Object> entry(Diagnostic diagnostic) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("severity", diagnostic.severity().label());
        entry.put("phase", diagnostic.phase().label());
        entry.put("code", diagnostic.code());
        entry.put("pointer", diagnostic.pointer());
        entry.put("line", diagnostic.line());
        entry.put("column", diagnostic.column());
        entry.put("message", diagnostic.message());
        entry.put("suggestion", diagnostic.suggestion());
        entry.put("related", diagnostic.related().stream().map(CheckReport::related).toList());
        return entry;
    }

    private static Map<String, Object> related(Diagnostic.Related other) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("pointer", other.pointer());
        entry.put("line", other.line());
        entry.put("column", other.column());
        entry.put("message", other.role());
        return entry;
    }

    private static void write(JsonGenerator out, @Nullable Object value) {
        switch (value) {
            case null -> out.writeNull();
            case Map<?, ?> map -> {
                out.writeStartObject();
                map.forEach(
                        (key, item) -> {
                            out.writeName(String.valueOf(key));
                            write(out, item);
                        });
                out.writeEndObject();
            }
            case List<?> list -> {
                out.writeStartArray();
                list.forEach(item -> write(out, item));
                out.writeEndArray();
            }
            case Boolean b -> out.writeBoolean(b);
            case Number n -> out.writeNumber(n.toString());
            default -> out.writeString(value.toString());
        }
    }
}
