package ds.config;

import ds.core.Diagnostic;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

    private static final int MOST_DEPTH = 64;
    private static final int MOST_DIGITS = 400;
    private static final int MOST_STRING = 1 << 20;
    private static final int MOST_NAME = 4096;
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxDocumentLength(MOST_CHARACTERS)
                                    .maxNestingDepth(MOST_DEPTH)
                                    .maxNumberLength(MOST_DIGITS)
                                    .maxStringLength(MOST_STRING)
                                    .maxNameLength(MOST_NAME)
                                    .build())
                    .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
                    .enable(JsonReadFeature.ALLOW_YAML_COMMENTS)
                    .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
                    .enable(JsonReadFeature.ALLOW_UNQUOTED_PROPERTY_NAMES)
                    .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
                    .build();

    private final String text;
    private final Map<String, Place> keys = new LinkedHashMap<>();
    private final Map<String, Place> values = new LinkedHashMap<>();
    private final List<Diagnostic> problems = new ArrayList<>();

    private DocumentParser(String text) {
        this.text = text;
    }

    /** Parses a whole document. What is wrong with the text is in its problems. */
    static LocatedDocument parse(String text) {
        String clean =
                !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
        DocumentParser parser = new DocumentParser(clean);
        Map<String, Object> root = parser.document();
        return new LocatedDocument(root, parser.keys, parser.values, parser.problems, clean);
    }

    private Map<String, Object> document() {
        values.put("", new Place(1, 1));
        if (text.length() > MOST_CHARACTERS) {
            problems.add(
                    Diagnostic.error(
                            "limit",
                            "",
                            "The document has %,d characters; %,d are the limit."
                                    .formatted(text.length(), MOST_CHARACTERS),
                            ""));
            return Map.of();
        }
        Map<String, Object> root = new LinkedHashMap<>();
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                return root;
            }
            if (first != JsonToken.START_OBJECT) {
                problem(place(parser), "", "root", rootMessage(first), "Put it in { }.");
                return root;
            }
            values.put("", place(parser));
            object(parser, "", root);
            if (parser.nextToken() != null) {
                problem(
                        place(parser),
                        "",
                        "syntax",
                        "There is more text after the closing brace of the document.",
                        "Remove it, or the brace that ends the document too early.");
            }
        } catch (StreamConstraintsException e) {
            problems.add(
                    Diagnostic.error("limit", "", sentence(e.getOriginalMessage()), "")
                            .at(line(e.getLocation()), column(e.getLocation())));
        } catch (JacksonException e) {
            problems.add(SyntaxAdvice.describe(text, e));
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
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            String pointer = Pointers.child(at, name);
            Place here = place(parser);
            boolean repeated = into.containsKey(name);
            if (repeated) {
                Place before = keys.getOrDefault(pointer, Place.NONE);
                problems.add(
                        Diagnostic.error(
                                        "duplicate-key",
                                        pointer,
                                        "'%s' appears twice: at %s and again at %s."
                                                .formatted(name, before, here),
                                        "Keep one of them.")
                                .at(here.line(), here.column())
                                .alongside(
                                        List.of(
                                                new Diagnostic.Related(
                                                        pointer,
                                                        before.line(),
                                                        before.column(),
                                                        "first here"))));
                parser.nextToken();
                value(parser, pointer);
                continue;
            }
            keys.put(pointer, here);
            parser.nextToken();
            values.put(pointer, place(parser));
            into.put(name, value(parser, pointer));
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
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    String pointer = at + "/" + items.size();
                    values.putIfAbsent(pointer, place(parser));
                    items.add(value(parser, pointer));
                }
                yield items;
            }
            case VALUE_STRING -> parser.getString();
            case VALUE_NUMBER_INT -> parser.getNumberValue();
            case VALUE_NUMBER_FLOAT -> new BigDecimal(parser.getString());
            case VALUE_TRUE -> Boolean.TRUE;
            case VALUE_FALSE -> Boolean.FALSE;
            default -> null;
        };
    }

    private void problem(Place at, String pointer, String code, String message, String way) {
        problems.add(Diagnostic.error(code, pointer, message, way).at(at.line(), at.column()));
    }

    private static Place place(JsonParser parser) {
        TokenStreamLocation location = parser.currentTokenLocation();
        return new Place(location.getLineNr(), location.getColumnNr());
    }

    static int line(@Nullable TokenStreamLocation location) {
        return location == null ? 0 : Math.max(0, location.getLineNr());
    }

    static int column(@Nullable TokenStreamLocation location) {
        return location == null ? 0 : Math.max(0, location.getColumnNr());
    }

    private static String sentence(String message) {
        return message.endsWith(".") ? message : message + ".";
    }
}
