package ds.config;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.util.Map;

/**
 * A section of a sound document, in which every key that the table gives a default has a value: so
 * that whoever reads it says no default again.
 */
record FilledSection(Settings settings) {
    /** Returns a section of {@code settings}. */
    static FilledSection of(Settings settings, String name) {
        return new FilledSection(settings.section(name));
    }

    /** Returns a section that need not be there, and has the defaults of its keys then. */
    static FilledSection of(Settings settings, KeyDeclaration section) {
        return settings.has(section.name())
                ? of(settings, section.name())
                : new FilledSection(Settings.validate(section.keys(), Map.of(), "").settings());
    }

    boolean flag(String name) {
        return filled(name).booleanOr(name, false);
    }

    /** Returns an integer; one beyond 64 bits is the nearest {@code long}. */
    long integer(String name) {
        return filled(name).longOr(name, 0);
    }

    /**
     * Returns an integer of 32 bits.
     *
     * @throws IllegalArgumentException if it does not fit
     */
    int smallInteger(String name) {
        return filled(name).intOr(name, 0);
    }

    double number(String name) {
        return filled(name).doubleOr(name, 0);
    }

    String text(String name) {
        return filled(name).stringOr(name, "");
    }

    Tunable<Boolean> tunableFlag(String name) {
        return new Tunable<>(flag(name), origin(name));
    }

    Tunable<Long> tunableInteger(String name) {
        return new Tunable<>(integer(name), origin(name));
    }

    Tunable<Double> tunableNumber(String name) {
        return new Tunable<>(number(name), origin(name));
    }

    private Tunable.Origin origin(String name) {
        if (settings.isAuto(name)) {
            return Tunable.Origin.AUTO;
        }
        return settings.isGiven(name) ? Tunable.Origin.GIVEN : Tunable.Origin.DEFAULT;
    }

    private Settings filled(String name) {
        if (!settings.has(name)) {
            throw new IllegalStateException(
                    "The key table has no default of '%s'.".formatted(name));
        }
        return settings;
    }
}
