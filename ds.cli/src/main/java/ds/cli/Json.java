package ds.cli;

import ds.core.JsonQuotes;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Writes JSON: maps, lists, texts, numbers, truth values; what is not finite becomes a text. */
final class Json {
    private static final String INDENT = "  ";

    private Json() {}

    static String of(Object value) {
        StringBuilder out = new StringBuilder();
        append(out, value, "\n");
        return out.toString();
    }

    private static void append(StringBuilder out, @Nullable Object value, String line) {
        switch (value) {
            case null -> out.append("null");
            case Optional<?> optional -> append(out, optional.orElse(null), line);
            case Map<?, ?> map -> object(out, map, line);
            case List<?> list -> list(out, list, line);
            case Boolean flag -> out.append(flag.booleanValue());
            case Double number -> number(out, number);
            case Float number -> number(out, number.doubleValue());
            case Number number -> out.append(number);
            default -> JsonQuotes.append(out, value.toString());
        }
    }

    private static void number(StringBuilder out, double value) {
        if (Double.isNaN(value)) {
            out.append("\"nan\"");
        } else if (Double.isInfinite(value)) {
            out.append(value > 0 ? "\"inf\"" : "\"-inf\"");
        } else {
            out.append(value);
        }
    }

    private static void object(StringBuilder out, Map<?, ?> map, String line) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        out.append('{');
        String inner = line + INDENT;
        for (Iterator<? extends Map.Entry<?, ?>> i = map.entrySet().iterator(); i.hasNext(); ) {
            Map.Entry<?, ?> entry = i.next();
            out.append(inner);
            JsonQuotes.append(out, entry.getKey().toString());
            out.append(": ");
            append(out, entry.getValue(), inner);
            out.append(i.hasNext() ? "," : line);
        }
        out.append('}');
    }

    private static void list(StringBuilder out, List<?> list, String line) {
        if (list.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        String inner = line + INDENT;
        for (Iterator<?> i = list.iterator(); i.hasNext(); ) {
            out.append(inner);
            append(out, i.next(), inner);
            out.append(i.hasNext() ? "," : line);
        }
        out.append(']');
    }
}
