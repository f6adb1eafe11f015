package ds.config;

import ds.core.Diagnostic;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads a map made in code as if it were a document: copies it, so that the caller's map is neither
 * kept nor changed, and refuses what JSON does not have. Bounded like a text, so that a map that
 * contains itself is an error and not the end.
 */
final class MapReader {
    private static final long MOST_BITS = 1_328; // of a number with 400 digits

    private final DocumentDraft draft = new DocumentDraft();

    private MapReader() {}

    static LocatedDocument read(Map<?, ?> map) {
        MapReader reader = new MapReader();
        Map<String, Object> root = reader.object(map, "", 1);
        return reader.draft.finish(root, "");
    }

    private Map<String, Object> object(Map<?, ?> map, String at, int depth) {
        Map<String, Object> copy = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (draft.isFull()) {
                break;
            }
            if (entry.getKey() instanceof String name) {
                String pointer = Pointers.child(at, name);
                draft.member(pointer, Place.NONE, Place.NONE);
                Object value = value(entry.getValue(), name, pointer, depth);
                if (value != DocumentDraft.UNREAD) {
                    copy.put(name, value);
                }
            } else {
                refuse(
                        at,
                        "A key is %s; keys are strings.".formatted(shown(entry.getKey())),
                        "Write it as a string.");
            }
        }
        return copy;
    }

    private @Nullable Object value(@Nullable Object value, String name, String at, int depth) {
        return switch (value) {
            case null -> null;
            case Boolean flag -> flag;
            case CharSequence text -> text(text.toString());
            case Character letter -> letter.toString();
            case Path path -> path.toString();
            case Number number -> number(number, name, at);
            case Map<?, ?> map ->
                    isTooDeep(depth) ? DocumentDraft.UNREAD : object(map, at, depth + 1);
            case Collection<?> items -> list(items.stream(), name, at, depth);
            case Object[] items -> list(Stream.of(items), name, at, depth);
            case int[] items -> list(IntStream.of(items).boxed(), name, at, depth);
            case long[] items -> list(LongStream.of(items).boxed(), name, at, depth);
            case double[] items -> list(DoubleStream.of(items).boxed(), name, at, depth);
            default -> refused(value, name, at);
        };
    }

    private Object list(Stream<?> items, String name, String at, int depth) {
        if (isTooDeep(depth)) {
            return DocumentDraft.UNREAD;
        }
        List<Object> copy = new ArrayList<>();
        for (Iterator<?> left = items.iterator(); left.hasNext() && !draft.isFull(); ) {
            String pointer = at + "/" + copy.size();
            draft.value(pointer, Place.NONE);
            Object item = value(left.next(), name, pointer, depth + 1);
            copy.add(item == DocumentDraft.UNREAD ? null : item);
        }
        return copy;
    }

    private boolean isTooDeep(int depth) {
        if (depth >= DocumentParser.MOST_DEPTH) {
            draft.limit(
                    Place.NONE,
                    "The map nests deeper than %d, or contains itself."
                            .formatted(DocumentParser.MOST_DEPTH));
        }
        return depth >= DocumentParser.MOST_DEPTH;
    }

    private String text(String text) {
        if (text.length() > DocumentParser.MOST_STRING) {
            draft.limit(
                    Place.NONE,
                    "A string has more than %,d characters.".formatted(DocumentParser.MOST_STRING));
        }
        return text;
    }

    private Object number(Number number, String name, String at) {
        boolean sound =
                switch (number) {
                    case Byte _, Short _, Integer _, Long _ -> true;
                    case AtomicInteger _, AtomicLong _ -> true;
                    case Float f -> Float.isFinite(f);
                    case Double d -> Double.isFinite(d);
                    case BigInteger i -> i.bitLength() <= MOST_BITS;
                    case BigDecimal d -> d.unscaledValue().bitLength() <= MOST_BITS;
                    default -> false;
                };
        if (!sound) {
            return refused(number, name, at);
        }
        return number instanceof AtomicInteger || number instanceof AtomicLong
                ? (Object) number.longValue()
                : number;
    }

    private Object refused(Object value, String name, String at) {
        String what =
                switch (value) {
                    case Float f -> f.toString();
                    case Double d -> d.toString();
                    case BigInteger _, BigDecimal _ ->
                            "a number of more than %d digits".formatted(JsonNumber.MOST_CHARACTERS);
                    default -> "a " + value.getClass().getName();
                };
        refuse(
                at,
                "'%s' is %s, which JSON does not have.".formatted(Pointers.cut(name), what),
                "Give a string, a boolean, a finite number, a list or a map.");
        return DocumentDraft.UNREAD;
    }

    private static String shown(@Nullable Object key) {
        return switch (key) {
            case null -> "null";
            case Number n when n instanceof Integer || n instanceof Long -> n.toString();
            default -> "a " + key.getClass().getName();
        };
    }

    private void refuse(String at, String message, String way) {
        draft.broken(Diagnostic.error("type", at, message, way));
    }
}
