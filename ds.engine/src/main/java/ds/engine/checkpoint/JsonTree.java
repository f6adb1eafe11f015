package ds.engine.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/** A parsed JSON value of a file that this package wrote. */
final class JsonTree {
    /** The text is no JSON, or not of the form that was written. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message);
        }
    }

    private static final JsonFactory FACTORY =
            JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    private final String path;
    private final Object value;

    private JsonTree(String path, Object value) {
        this.path = path;
        this.value = value;
    }

    static JsonTree parse(byte[] text) throws Malformed {
        try (JsonParser parser =
                FACTORY.createParser(
                        ObjectReadContext.empty(), new String(text, StandardCharsets.UTF_8))) {
            parser.nextToken();
            JsonTree tree = read(parser, "");
            if (parser.nextToken() != null) {
                throw new Malformed("more text after the end");
            }
            return tree;
        } catch (JacksonException e) {
            throw new Malformed(e.getOriginalMessage());
        }
    }

    private static JsonTree read(JsonParser parser, String path) throws Malformed {
        JsonToken token = parser.currentToken();
        if (token == null) {
            throw new Malformed("the text ends early");
        }
        switch (token) {
            case START_OBJECT -> {
                Map<String, JsonTree> members = new LinkedHashMap<>();
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    members.put(name, read(parser, path + "/" + name));
                }
                return new JsonTree(path, members);
            }
            case START_ARRAY -> {
                List<JsonTree> items = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    items.add(read(parser, path + "/" + items.size()));
                }
                return new JsonTree(path, items);
            }
            case VALUE_NUMBER_INT -> {
                return new JsonTree(path, parser.getLongValue());
            }
            case VALUE_STRING -> {
                return new JsonTree(path, parser.getString());
            }
            case VALUE_TRUE, VALUE_FALSE -> {
                return new JsonTree(path, token == JsonToken.VALUE_TRUE);
            }
            default -> throw new Malformed(path + " is a " + token);
        }
    }

    JsonTree get(String name) throws Malformed {
        JsonTree member = object().get(name);
        if (member == null) {
            throw new Malformed("'" + path + "/" + name + "' is missing");
        }
        return member;
    }

    Map<String, JsonTree> object() throws Malformed {
        if (value instanceof Map<?, ?> map) {
            Map<String, JsonTree> members = new LinkedHashMap<>();
            map.forEach((name, member) -> members.put((String) name, (JsonTree) member));
            return members;
        }
        throw new Malformed("'" + path + "' is no object");
    }

    List<JsonTree> list() throws Malformed {
        if (value instanceof List<?> list) {
            return list.stream().map(JsonTree.class::cast).toList();
        }
        throw new Malformed("'" + path + "' is no list");
    }

    String string() throws Malformed {
        if (value instanceof String text) {
            return text;
        }
        throw new Malformed("'" + path + "' is no text");
    }

    long number() throws Malformed {
        if (value instanceof Long number) {
            return number;
        }
        throw new Malformed("'" + path + "' is no integer");
    }

    boolean flag() throws Malformed {
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw new Malformed("'" + path + "' is neither true nor false");
    }

    Map<String, String> strings() throws Malformed {
        Map<String, String> strings = new LinkedHashMap<>();
        for (Map.Entry<String, JsonTree> member : object().entrySet()) {
            strings.put(member.getKey(), member.getValue().string());
        }
        return strings;
    }
}
