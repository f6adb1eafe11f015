package ds.config;

import static ds.core.KeyDeclaration.flag;
import static ds.core.KeyDeclaration.object;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Status;
import ds.core.KeyDeclaration.Trait;
import java.util.ArrayList;
import java.util.List;

/**
 * Declares sections of techniques that are not here: known in full, so that a file that carries one
 * turned off still runs and one that is written wrongly is told so; turning one on is refused.
 */
final class Absent {
    private static final String REASON = "nothing here implements it.";

    private Absent() {}

    /** A section with a switch {@code enabled}, off by default; on, it is refused. */
    static KeyDeclaration switched(String name, String doc, KeyDeclaration... keys) {
        return switched(name, REASON, doc, keys);
    }

    /** A section with a switch {@code enabled}, refused with {@code why}. */
    static KeyDeclaration switched(String name, String why, String doc, KeyDeclaration... keys) {
        KeyDeclaration on =
                flag("enabled", false)
                        .refused(why.contains("Remove") ? why : why + " Remove the section.")
                        .doc("Turn it on.");
        return section(name, why, doc, withFirst(on, keys));
    }

    /** A section without a switch of which nothing has an effect, for the reason given. */
    static KeyDeclaration section(String name, String why, String doc, List<KeyDeclaration> keys) {
        return object(name, idle(keys, why)).noEffect(why).doc(doc);
    }

    /** Returns these keys, those inside too, without effect wherever nothing else is said. */
    static List<KeyDeclaration> idle(List<KeyDeclaration> keys, String why) {
        List<KeyDeclaration> idle = new ArrayList<>();
        for (KeyDeclaration key : keys) {
            KeyDeclaration inner =
                    key.keys().isEmpty() ? key : key.containing(idle(key.keys(), why));
            idle.add(key.status() == Status.IMPLEMENTED ? inner.noEffect(why) : inner);
        }
        return idle;
    }

    /** Returns these keys as ones that DeepSpeed keeps as written, where nothing reads them. */
    static List<KeyDeclaration> verbatim(List<KeyDeclaration> keys) {
        return keys.stream()
                .map(
                        key ->
                                key.status() == Status.IMPLEMENTED
                                                || key.type() == KeyDeclaration.Type.OBJECT
                                                || key.type() == KeyDeclaration.Type.CHOICE
                                                || key.name().equals("enabled")
                                        ? key
                                        : key.with(Trait.VERBATIM))
                .toList();
    }

    private static List<KeyDeclaration> withFirst(KeyDeclaration first, KeyDeclaration... rest) {
        List<KeyDeclaration> keys = new ArrayList<>();
        keys.add(first);
        keys.addAll(List.of(rest));
        return keys;
    }
}
