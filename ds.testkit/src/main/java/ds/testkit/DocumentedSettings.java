package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import ds.core.KeyDeclaration;
import ds.core.spi.NamedProvider;
import java.util.List;

/** What every contract asks of a provider's settings. */
final class DocumentedSettings {
    private DocumentedSettings() {}

    /** Checks that the provider has a name, and each setting a doc and a name of its own. */
    static void check(NamedProvider provider, List<KeyDeclaration> settings) {
        assertFalse(provider.name().isBlank(), "the provider has no name");
        for (KeyDeclaration key : settings) {
            assertFalse(key.doc().isBlank(), key.name() + " has no doc");
        }
        assertEquals(
                settings.size(),
                settings.stream().map(KeyDeclaration::name).distinct().count(),
                () ->
                        "settings share a name: "
                                + settings.stream().map(KeyDeclaration::name).toList());
    }
}
