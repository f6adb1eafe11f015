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
            write(out, Map.of("results", checks.stream().map(CheckReport::result).toList()));
        }
        return text.toString();
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
