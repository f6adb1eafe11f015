package ds.core;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** A declaration in the making, of which one thing after the other is said. */
final class KeyDraft {
    final String name;
    final KeyDeclaration.Type type;
    Optional<Object> defaultValue = Optional.empty();
    KeyDeclaration.Range range = KeyDeclaration.Range.ANY;
    List<String> choices = List.of();
    String doc = "";
    String unit = "";
    List<String> aliases = List.of();
    KeyDeclaration.Status status = KeyDeclaration.Status.IMPLEMENTED;
    String reason = "";
    Set<KeyDeclaration.Trait> traits = Set.of();
    List<KeyDeclaration> keys = List.of();

    /** Starts with a name and a type, and nothing else. */
    KeyDraft(String name, KeyDeclaration.Type type) {
        this.name = name;
        this.type = type;
    }

    /** Starts with all that {@code from} says. */
    KeyDraft(KeyDeclaration from) {
        this(from.name(), from.type());
        defaultValue = from.defaultValue();
        range = from.range();
        choices = from.choices();
        doc = from.doc();
        unit = from.unit();
        aliases = from.aliases();
        status = from.status();
        reason = from.reason();
        traits = from.traits();
        keys = from.keys();
    }

    /** Makes the declaration after {@code change}. */
    KeyDeclaration with(Consumer<KeyDraft> change) {
        change.accept(this);
        return new KeyDeclaration(
                name,
                type,
                defaultValue,
                range,
                choices,
                doc,
                unit,
                aliases,
                status,
                reason,
                traits,
                keys);
    }
}
