package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import ds.core.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A declared key that the document leaves to the planner by writing {@code "auto"}.
 *
 * @param pointer JSON pointer of the key under its own name, whatever spelling was used
 * @param key its declaration
 */
public record AutoKey(String pointer, KeyDeclaration key) {
    /** Returns what the key is if nobody decides it: its default, or {@code absent}. */
    public String fallback() {
        return key.defaultValue().map(String::valueOf).orElse("absent");
    }

    /** Returns the keys of {@code object} written as {@code "auto"}, in the order of the table. */
    static List<AutoKey> in(List<KeyDeclaration> keys, Map<?, ?> object, String pointer) {
        List<AutoKey> found = new ArrayList<>();
        for (KeyDeclaration key : keys) {
            List<String> spellings = new ArrayList<>(key.aliases());
            spellings.addFirst(key.name());
            for (String spelling : spellings) {
                Object written = object.get(spelling);
                String place = pointer + "/" + key.name();
                if (Settings.AUTO.equals(written) && isForPlanner(key)) {
                    found.add(new AutoKey(place, key));
                } else if (written instanceof Map<?, ?> section && key.type() == Type.OBJECT) {
                    found.addAll(in(key.keys(), section, place));
                }
            }
        }
        return found;
    }

    /** Some keys have {@code "auto"} among their own words; for some it is a mistake. */
    private static boolean isForPlanner(KeyDeclaration key) {
        return !key.choices().contains(Settings.AUTO)
                && !key.has(Trait.NO_AUTO)
                && key.type() != Type.ANY;
    }
}
