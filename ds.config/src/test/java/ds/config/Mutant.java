package ds.config;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Changes valid configurations in the ways in which people and accidents do. Seeded. */
final class Mutant {
    private static final List<Object> VALUES =
            List.of(
                    true,
                    false,
                    0,
                    -1,
                    1,
                    7,
                    0.5,
                    new BigDecimal("1e10"),
                    new BigDecimal("1e-400"),
                    new BigDecimal("1e999999999"),
                    new BigDecimal("-1e999999999"),
                    new BigInteger("9223372036854775808"),
                    new BigInteger("1" + "0".repeat(390)),
                    "",
                    "auto",
                    "Auto",
                    "true",
                    "5_000",
                    "nvme",
                    "AdamW",
                    "\u0000",
                    "\ud800",
                    "x".repeat(300),
                    List.of(),
                    List.of(1, "a", List.of()),
                    Map.of(),
                    Map.of("enabled", true, "type", 3));

    private static final List<String> PIECES =
            List.of(
                    "null",
                    "True",
                    "NaN",
                    "-",
                    "+1",
                    "08",
                    "1e999999999",
                    "1e99999999999",
                    "auto",
                    "\"",
                    "'",
                    "'''",
                    ",",
                    ",,",
                    ":",
                    "=",
                    "{",
                    "}",
                    "[",
                    "]",
                    "(",
                    "/*",
                    "*/",
                    "//",
                    "#",
                    "\\",
                    "\\u12",
                    "\n",
                    "\r",
                    "\t",
                    "\u0000",
                    "\u00a0",
                    "\u201c",
                    "\uff0c",
                    "\ufeff",
                    "\ud83d",
                    "${X}",
                    "{{ y }}",
                    "[[[[[[[[",
                    "\"a\":{\"b\":[");

    private final Random random;

    Mutant(Random random) {
        this.random = random;
    }

    /** Returns the document with one to three members changed, moved, renamed or added. */
    Map<String, Object> ofTree(Map<String, Object> document) {
        Map<String, Object> root = copy(document);
        for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
            edit(anyObject(root), root);
        }
        return root;
    }

    private void edit(Map<String, Object> object, Map<String, Object> root) {
        List<String> names = new ArrayList<>(object.keySet());
        String name = names.isEmpty() ? "enabled" : names.get(random.nextInt(names.size()));
        Object value = object.get(name);
        switch (random.nextInt(8)) {
            case 0, 1 -> object.put(name, anyValue());
            case 2 -> object.put(name, random.nextBoolean() ? List.of(anyValue()) : nested());
            case 3 -> {
                object.remove(name);
                object.put(misspelt(name), value);
            }
            case 4 -> {
                object.remove(name);
                anyObject(root).put(name, value);
            }
            case 5 -> object.put(name, String.valueOf(value));
            case 6 -> object.put(name, null);
            default -> object.put(anyName(), anyValue());
        }
    }

    private Object anyValue() {
        return VALUES.get(random.nextInt(VALUES.size()));
    }

    private Object nested() {
        Object value = anyValue();
        for (int depth = random.nextInt(90); depth > 0; depth--) {
            value = depth % 3 == 0 ? List.of(value) : Map.of("a", value);
        }
        return value;
    }

    private String anyName() {
        List<Explain.Explained> all = Explain.all();
        String known = all.get(random.nextInt(all.size())).key().name();
        return random.nextInt(4) == 0 ? "_" + known : known;
    }

    private String misspelt(String name) {
        int at = random.nextInt(name.length() + 1);
        String head = name.substring(0, at);
        String tail = name.substring(Math.min(name.length(), at + random.nextInt(2)));
        return head + (random.nextBoolean() ? "" : (char) ('a' + random.nextInt(26))) + tail;
    }

    private Map<String, Object> anyObject(Map<String, Object> root) {
        Map<String, Object> at = root;
        while (random.nextInt(3) > 0) {
            List<Map<String, Object>> inner = new ArrayList<>();
            for (Object value : at.values()) {
                if (value instanceof LinkedHashMap<?, ?> map) {
                    inner.add(cast(map));
                }
            }
            if (inner.isEmpty()) {
                break;
            }
            at = inner.get(random.nextInt(inner.size()));
        }
        return at;
    }

    /** Returns the text with one to three places cut, doubled, filled or cut off. */
    String ofText(String document) {
        String text = document;
        for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
            int at = random.nextInt(text.length() + 1);
            int to = Math.min(text.length(), at + random.nextInt(12));
            String piece = PIECES.get(random.nextInt(PIECES.size()));
            text =
                    switch (random.nextInt(6)) {
                        case 0 -> text.substring(0, at) + text.substring(to);
                        case 1, 2 -> text.substring(0, at) + piece + text.substring(at);
                        case 3 -> text.substring(0, at) + piece + text.substring(to);
                        case 4 -> text.substring(0, to) + text.substring(at);
                        default -> random.nextInt(4) == 0 ? text.substring(0, at) : text;
                    };
        }
        return text;
    }

    /** Returns the bytes with some of them changed, or in another encoding. */
    byte[] ofBytes(String document) {
        byte[] bytes =
                document.getBytes(
                        switch (random.nextInt(6)) {
                            case 0 -> java.nio.charset.StandardCharsets.UTF_16;
                            case 1 -> java.nio.charset.StandardCharsets.UTF_16LE;
                            case 2 -> java.nio.charset.StandardCharsets.ISO_8859_1;
                            default -> java.nio.charset.StandardCharsets.UTF_8;
                        });
        for (int edits = random.nextInt(4); edits > 0 && bytes.length > 0; edits--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }

    private static Map<String, Object> copy(Map<String, Object> map) {
        Map<String, Object> copy = new LinkedHashMap<>();
        map.forEach(
                (key, value) ->
                        copy.put(
                                key, value instanceof Map<?, ?> inner ? copy(cast(inner)) : value));
        return copy;
    }

    @SuppressWarnings("unchecked") // a JSON object has text keys
    private static Map<String, Object> cast(Map<?, ?> map) {
        return (Map<String, Object>) map;
    }
}
