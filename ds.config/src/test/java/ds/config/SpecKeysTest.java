package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.Explain.Explained;
import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Range;
import ds.core.KeyDeclaration.Type;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The table has every key of DeepSpeed once, as {@code testdata/config/keys.txt} has them. */
class SpecKeysTest {
    private static final String NONE = "-";
    private static final String OPEN = "?";

    private static final Map<String, Type> TYPES =
            Map.ofEntries(
                    Map.entry("bool", Type.BOOLEAN),
                    Map.entry("int", Type.INTEGER),
                    Map.entry("float", Type.NUMBER),
                    Map.entry("str", Type.STRING),
                    Map.entry("path", Type.PATH),
                    Map.entry("enum", Type.CHOICE),
                    Map.entry("ints", Type.INTEGERS),
                    Map.entry("strs", Type.STRINGS),
                    Map.entry("list", Type.LIST),
                    Map.entry("object", Type.OBJECT),
                    Map.entry("any", Type.ANY),
                    Map.entry("none", Type.NOTHING));

    /** Keys that DeepSpeed hands on without reading them: declared, so that they can be checked. */
    private static final Set<String> HANDED_ON =
            Set.of(
                    "compression_training.layer_reduction.keep_number_layer",
                    "compression_training.layer_reduction.module_name_prefix",
                    "compression_training.layer_reduction.other_module_name",
                    "compression_training.layer_reduction.teacher_layer",
                    "data_efficiency.data_routing.random_ltd.random_ltd_schedule");

    /** One line of the list. */
    private record Line(String path, String type, String usual, String rule, String other) {
        static Line of(String text) {
            String[] words = text.split(" ");
            return new Line(words[0], words[1], words[2], words[3], words[4]);
        }

        /** Returns what the table has otherwise; empty if nothing. */
        Optional<String> difference(KeyDeclaration key) {
            List<String> differences = new ArrayList<>();
            if (!type.equals(OPEN) && TYPES.get(type) != key.type()) {
                differences.add("type " + key.type());
            }
            if (!usual.equals(OPEN) && !sameDefault(key.defaultValue())) {
                differences.add("default " + key.defaultValue());
            }
            if (!rule.equals(OPEN) && !rule.equals(ruled(key))) {
                differences.add("rule " + ruled(key));
            }
            if (!other.equals(key.aliases().isEmpty() ? NONE : key.aliases().getFirst())) {
                differences.add("other spelling " + key.aliases());
            }
            return differences.isEmpty()
                    ? Optional.empty()
                    : Optional.of(this + " is " + String.join(", ", differences));
        }

        private boolean sameDefault(Optional<Object> value) {
            Object expected =
                    usual.equals(NONE)
                            ? null
                            : DocumentParser.parse("{\"x\": " + usual + "}").root().get("x");
            return expected instanceof Number a && value.orElse(null) instanceof Number b
                    ? decimal(a).compareTo(decimal(b)) == 0
                    : Optional.ofNullable(expected)
                            .map(String::valueOf)
                            .equals(value.map(String::valueOf));
        }

        private static BigDecimal decimal(Number number) {
            return new BigDecimal(number.toString());
        }

        private static String ruled(KeyDeclaration key) {
            Range range = key.range();
            String limits =
                    range.least().map(least -> least.toBigInteger().toString()).orElse("")
                            + (range.leastAllowed() ? ".." : "<..")
                            + (range.mostAllowed() ? "" : "<")
                            + range.most().map(most -> most.toBigInteger().toString()).orElse("");
            String words = String.join("|", key.choices());
            return limits.equals("..") ? (words.isEmpty() ? NONE : words) : limits;
        }
    }

    private static List<Line> lines() {
        return Fixtures.page("testdata/config/keys.txt")
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .map(Line::of)
                .filter(line -> !line.path().contains("["))
                .toList();
    }

    private static Map<String, KeyDeclaration> table() {
        Map<String, KeyDeclaration> table = new LinkedHashMap<>();
        for (Explained explained : Explain.all()) {
            KeyDeclaration twice = table.put(explained.path(), explained.key());
            assertEquals(null, twice, explained.path() + " is declared twice");
        }
        return table;
    }

    @Test
    void everyKeyIsDeclaredAsDeepSpeedReadsIt() {
        Map<String, KeyDeclaration> table = table();
        List<String> wrong = new ArrayList<>();
        for (Line line : lines()) {
            Optional.ofNullable(table.get(line.path()))
                    .map(line::difference)
                    .orElse(Optional.of(line.path() + " is not in the table"))
                    .ifPresent(wrong::add);
        }
        assertEquals("", String.join("\n", wrong));
        assertTrue(lines().size() > 400, () -> lines().size() + " keys");
    }

    @Test
    void theTableHasNoOtherKeysButOurs() {
        TreeSet<String> others = new TreeSet<>();
        table().forEach(
                        (path, key) -> {
                            boolean section = key.type() == Type.OBJECT && !key.keys().isEmpty();
                            if (!section && !path.startsWith("jvm.")) {
                                others.add(path);
                            }
                        });
        lines().forEach(line -> others.remove(line.path()));
        assertEquals(new TreeSet<>(HANDED_ON), others);
    }
}
