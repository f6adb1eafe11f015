package ds.config;

import ds.core.Diagnostic;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/**
 * Reads JSON with comments, trailing commas, unquoted names and single quotes into a tree that
 * remembers places. Everything is bounded: size, depth, length of names, numbers and strings.
 */
final class DocumentParser {
    /** Largest document, in characters. */
    static final int MOST_CHARACTERS = 4 << 20;

    /** Deepest nesting of objects and lists. */
    static final int MOST_DEPTH = 64;

    /** Longest string, in characters. */
    static final int MOST_STRING = 1 << 20;

    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxDocumentLength(MOST_CHARACTERS)
                                    .maxNestingDepth(MOST_DEPTH)
                                    .maxNumberLength(JsonNumber.MOST_CHARACTERS)
                                    .maxStringLength(MOST_STRING)
                                    .maxNameLength(MOST_STRING)
                                    .build())
                    .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
                    .enable(JsonReadFeature.ALLOW_YAML_COMMENTS)
                    .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
                    .enable(JsonReadFeature.ALLOW_UNQUOTED_PROPERTY_NAMES)
                    .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
                    .build();

    private final DocumentDraft draft = new DocumentDraft();

    private DocumentParser() {}

    /** Parses a whole document. What is wrong with the text is in its problems. */
    static LocatedDocument parse(String text) {
        String clean =
                !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
        if (clean.length() > MOST_CHARACTERS) {
            return tooLong(clean.length());
        }
        DocumentParser parser = new DocumentParser();
        try {
            return parser.draft.finish(parser.document(clean), clean);
        } catch (JacksonException e) {
            return recovered(clean, e);
        }
    }

    private static LocatedDocument tooLong(int characters) {
        DocumentDraft draft = new DocumentDraft();
        draft.limit(
                new Place(1, 1),
                "The document has %,d characters; %,d are the limit."
                        .formatted(characters, MOST_CHARACTERS));
        return draft.finish(Map.of(), "");
    }

    /** Reads the text once more, guessing behind each slip, so that one does not hide the next. */
    private static LocatedDocument recovered(String text, JacksonException failure) {
        DocumentDraft draft = new DocumentDraft();
        Map<String, Object> root = TolerantReader.read(text, draft);
        if (!draft.isExplained()) {
            int line = line(failure.getLocation());
            int column = column(failure.getLocation());
            boolean limit = failure instanceof StreamConstraintsException;
            String reason = sentence(failure.getOriginalMessage());
            draft.broken(
                    Diagnostic.error(
                                    limit ? "limit" : "syntax",
                                    "",
                                    limit ? reason : "This is not JSON: " + reason,
                                    "")
                            .at(line, column));
        }
        return draft.finish(root, text);
    }

    private Map<String, Object> document(String text) {
        draft.value("", new Place(1, 1));
        Map<String, Object> root = new LinkedHashMap<>();
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                return root;
            }
            if (first != JsonToken.START_OBJECT) {
                draft.broken(located(parser, "root", rootMessage(first), "Put it in { }."));
                return root;
            }
            object(parser, "", root);
            if (!draft.isFull() && parser.nextToken() != null) {
                draft.broken(
                        located(
                                parser,
                                "syntax",
                                "There is more text after the closing brace of the document.",
                                "Remove it, or the brace that ends the document too early."));
            }
        }
        return root;
    }

    private static String rootMessage(JsonToken first) {
        return "The document must be an object, was %s."
                .formatted(
                        first == JsonToken.START_ARRAY
                                ? "a list"
                                : first == JsonToken.VALUE_STRING ? "a string" : "a single value");
    }

    private void object(JsonParser parser, String at, Map<String, Object> into) {
        while (!draft.isFull() && parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            String pointer = Pointers.child(at, name);
            Place here = place(parser);
            boolean repeated = into.containsKey(name);
            parser.nextToken();
            if (repeated) {
                draft.duplicate(name, pointer, here);
                value(parser, pointer);
            } else {
                draft.member(pointer, here, place(parser));
                Object value = value(parser, pointer);
                if (value != DocumentDraft.UNREAD) {
                    into.put(name, value);
                }
            }
        }
    }

    private @Nullable Object value(JsonParser parser, String at) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                Map<String, Object> inner = new LinkedHashMap<>();
                object(parser, at, inner);
                yield inner;
            }
            case START_ARRAY -> {
                List<Object> items = new ArrayList<>();
                while (!draft.isFull() && parser.nextToken() != JsonToken.END_ARRAY) {
                    String pointer = at + "/" + items.size();
                    draft.value(pointer, place(parser));
                    Object item = value(parser, pointer);
                    items.add(item == DocumentDraft.UNREAD ? null : item);
                }
                yield items;
            }
            case VALUE_STRING -> parser.getString();
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number(parser);
            case VALUE_TRUE -> Boolean.TRUE;
            case VALUE_FALSE -> Boolean.FALSE;
            default -> null;
        };
    }

    private Object number(JsonParser parser) {
        Optional<Number> value = JsonNumber.value(parser.getString());
        if (value.isEmpty()) {
            draft.broken(
                    located(parser, "syntax", SyntaxAdvice.FAR_EXPONENT, "Write a finite number."));
        }
        return value.<Object>map(number -> number).orElse(DocumentDraft.UNREAD);
    }

    private static Diagnostic located(JsonParser parser, String code, String message, String way) {
        Place at = place(parser);
        return Diagnostic.error(code, "", message, way).at(at.line(), at.column());
    }

    private static Place place(JsonParser parser) {
        TokenStreamLocation location = parser.currentTokenLocation();
        return new Place(location.getLineNr(), location.getColumnNr());
    }

    private static int line(@Nullable TokenStreamLocation location) {
        return location == null ? 0 : Math.max(0, location.getLineNr());
    }

    private static int column(@Nullable TokenStreamLocation location) {
        return location == null ? 0 : Math.max(0, location.getColumnNr());
    }

    private static String sentence(String message) {
        String plain = message.replaceAll(", from `[^`]*`", "");
        return plain.endsWith(".") ? plain : plain + ".";
    }
}
