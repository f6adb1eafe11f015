package ds.testkit;

import ds.core.Rounding;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A recorded fixture: a JSON manifest, and a file of tensors where it names one. They lie in the
 * folder that the system property {@code ds.fixtures} names, by default {@code ../testdata}, or in
 * its subfolder {@code golden}.
 */
public final class Golden {
    private final Map<String, Object> manifest;
    private final ByteBuffer tensors;

    private Golden(Map<String, Object> manifest, ByteBuffer tensors) {
        this.manifest = manifest;
        this.tensors = tensors;
    }

    /**
     * Reads {@code NAME.json} of the fixtures folder.
     *
     * @throws IOException if it is not there
     */
    public static Golden read(String name) throws IOException {
        Path folder = folder();
        Map<String, Object> manifest;
        try (JsonParser parser =
                new JsonFactory()
                        .createParser(
                                ObjectReadContext.empty(),
                                folder.resolve(name + ".json").toFile())) {
            parser.nextToken();
            manifest = object(Objects.requireNonNull(value(parser)));
        }
        ByteBuffer tensors =
                manifest.containsKey("bin")
                        ? ByteBuffer.wrap(
                                Files.readAllBytes(folder.resolve((String) of(manifest, "bin"))))
                        : ByteBuffer.allocate(0);
        return new Golden(manifest, tensors.order(ByteOrder.LITTLE_ENDIAN));
    }

    private static Path folder() {
        Path named = Path.of(System.getProperty("ds.fixtures", "../testdata"));
        return Files.isDirectory(named.resolve("golden")) ? named.resolve("golden") : named;
    }

    /** Returns whether the fixtures folder has {@code NAME.json}. */
    public static boolean isPresent(String name) {
        return Files.isRegularFile(folder().resolve(name + ".json"));
    }

    /** Returns a value of the manifest itself. */
    public Object value(String key) {
        return of(manifest, key);
    }

    /** Returns the objects in the list {@code key}. */
    public List<Map<String, Object>> cases(String key) {
        return ((List<?>) of(manifest, key)).stream().map(Golden::object).toList();
    }

    /** Returns the object in the list {@code key} whose {@code id} it is. */
    public Map<String, Object> find(String key, String id) {
        return cases(key).stream()
                .filter(found -> id.equals(found.get("id")))
                .findFirst()
                .orElseThrow();
    }

    /** Returns a tensor of fp32, fp16 or bf16 elements, row-major, widened exactly. */
    public float[] floats(String name) {
        Map<String, Object> entry = object(of(tensorEntries(), name));
        int offset = number(entry, "offset");
        int bytes = number(entry, "nbytes");
        String type = (String) of(entry, "dtype");
        int size = type.equals("f32") ? Float.BYTES : Short.BYTES;
        float[] values = new float[bytes / size];
        for (int i = 0; i < values.length; i++) {
            int at = offset + i * size;
            values[i] =
                    switch (type) {
                        case "f32" -> tensors.getFloat(at);
                        case "f16" -> Rounding.fromFp16(tensors.getShort(at));
                        case "bf16" -> Rounding.fromBf16(tensors.getShort(at));
                        default -> throw new AssertionError("tensor type " + type);
                    };
        }
        return values;
    }

    /** Returns a tensor of 32-bit integers. */
    public int[] ints(String name) {
        Map<String, Object> entry = object(of(tensorEntries(), name));
        int[] values = new int[number(entry, "nbytes") / Integer.BYTES];
        tensors.slice(number(entry, "offset"), values.length * Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(values);
        return values;
    }

    /** Returns the type of a tensor's elements: f32, f16, bf16, i32 and so on. */
    public String type(String name) {
        return (String) of(object(of(tensorEntries(), name)), "dtype");
    }

    /** Returns the sizes of a tensor's dimensions. */
    public List<Integer> shape(String name) {
        return ((List<?>) of(object(of(tensorEntries(), name)), "shape"))
                .stream().map(size -> ((Number) size).intValue()).toList();
    }

    /** Returns whether there is a tensor of that name. */
    public boolean has(String name) {
        return tensorEntries().containsKey(name);
    }

    /** Returns a value of a manifest that is an object, as its entries. */
    @SuppressWarnings("unchecked") // every JSON object was made by value()
    public static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    private Map<String, Object> tensorEntries() {
        return object(of(manifest, "tensors"));
    }

    private static Object of(Map<String, Object> entries, String key) {
        Object value = entries.get(key);
        if (value == null) {
            throw new AssertionError(
                    "The fixture has no '%s' among %s.".formatted(key, entries.keySet()));
        }
        return value;
    }

    private static int number(Map<String, Object> entries, String key) {
        return ((Number) of(entries, key)).intValue();
    }

    private static @Nullable Object value(JsonParser parser) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String key = parser.currentName();
                    parser.nextToken();
                    map.put(key, value(parser));
                }
                yield map;
            }
            case START_ARRAY -> {
                List<Object> list = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    list.add(value(parser));
                }
                yield list;
            }
            case VALUE_NUMBER_INT -> parser.getLongValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_STRING -> parser.getString();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> null;
        };
    }
}
