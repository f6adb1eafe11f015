package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.Explain;
import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Status;
import ds.core.KeyDeclaration.Type;
import ds.optim.spi.Optimizers;
import ds.optim.spi.Schedules;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every key that is said to be implemented does something: two values of it give two plans, two
 * uses of memory, two courses of a run or two outputs. The keys are those of the table and of the
 * plug-ins, so that a new one without an entry in {@link Effect} fails here.
 */
class KeyEffectsTest {
    @TempDir private Path temporary;

    static List<String> keys() {
        return Effect.all().stream().map(Effect::key).toList();
    }

    @Test
    void everyImplementedKeyHasAnEntryAndNoOther() {
        TreeSet<String> implemented = new TreeSet<>();
        for (Explain.Explained explained : Explain.all()) {
            boolean leaf =
                    explained.key().type() != Type.OBJECT || explained.key().keys().isEmpty();
            if (leaf && explained.status() == Status.IMPLEMENTED) {
                implemented.add(explained.path());
            }
        }
        Optimizers.in(ModuleLayer.boot())
                .all()
                .forEach(
                        provider ->
                                add(
                                        "optimizer[" + provider.name() + "].",
                                        provider.settings(),
                                        implemented));
        Schedules.in(ModuleLayer.boot())
                .all()
                .forEach(
                        provider ->
                                add(
                                        "scheduler[" + provider.name() + "].",
                                        provider.settings(),
                                        implemented));
        assertTrue(implemented.size() > 50, implemented::toString);
        assertEquals(implemented, new TreeSet<>(keys()));
        assertEquals(implemented.size(), keys().size(), "no key twice");
    }

    private static void add(String prefix, List<KeyDeclaration> keys, TreeSet<String> into) {
        keys.stream()
                .filter(key -> key.status() == Status.IMPLEMENTED)
                .forEach(key -> into.add(prefix + key.name()));
    }

    @Test
    void aSectionIsImplementedIfAKeyInItIs() {
        for (Explain.Explained section : Explain.all()) {
            if (section.key().type() != Type.OBJECT || section.key().keys().isEmpty()) {
                continue;
            }
            boolean any =
                    Explain.all().stream()
                            .anyMatch(
                                    inner ->
                                            inner.path().startsWith(section.path() + ".")
                                                    && inner.status() == Status.IMPLEMENTED);
            assertEquals(any, section.status() == Status.IMPLEMENTED, section.path());
        }
    }

    @ParameterizedTest
    @MethodSource("keys")
    void twoValuesAreSeen(String key) throws IOException {
        Effect effect =
                Effect.all().stream().filter(e -> e.key().equals(key)).findFirst().orElseThrow();
        Object one = observe(effect, effect.one(), "one");
        Object again = observe(effect, effect.one(), "again");
        Object other = observe(effect, effect.other(), "other");
        assertEquals(one, again, "what is looked at depends on the configuration alone");
        assertNotEquals(one, other, key + ": " + effect.one() + " and " + effect.other());
    }

    private Object observe(Effect effect, Object value, String name) throws IOException {
        Path scratch = Files.createDirectory(temporary.resolve(name));
        return effect.observed().apply(Trial.of(scratch, effect.settings(value)));
    }
}
