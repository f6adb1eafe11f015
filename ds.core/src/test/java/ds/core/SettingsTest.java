package ds.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Values are checked against their declaration, all at once, and are never changed after. */
class SettingsTest {
    private static final List<KeyDeclaration> KEYS =
            List.of(
                    KeyDeclaration.number("lr", 1e-3).atLeast(0),
                    KeyDeclaration.numbers("betas", 0.9, 0.999).atLeast(0).below(1).items(2),
                    KeyDeclaration.flag("nesterov", false),
                    KeyDeclaration.integer("steps").atLeast(1),
                    KeyDeclaration.choice("kind", "linear", List.of("linear", "log")),
                    KeyDeclaration.flag("amsgrad", false).refused("it is not here. Remove it."),
                    KeyDeclaration.flag("fused", true).noEffect("there is one kernel."));

    @Test
    void defaultsFillWhatIsAbsent() {
        Settings settings = check(Map.of("steps", 5)).settings();
        assertEquals(1e-3, settings.doubleOr("lr", 7));
        assertArrayEquals(new double[] {0.9, 0.999}, settings.doublesOr("betas"));
        assertEquals(5, settings.intOr("steps", 0));
        assertEquals("linear", settings.stringOr("kind", ""));
        assertTrue(settings.isGiven("steps"));
        assertFalse(settings.isGiven("lr"));
        assertEquals(9, settings.intOr("unheard_of", 9));
    }

    @Test
    void everyProblemIsReportedInOrder() {
        Map<String, Object> bad = new LinkedHashMap<>();
        bad.put("lr", -1);
        bad.put("betas", List.of(0.9));
        bad.put("nestorov", true);
        bad.put("steps", 1.5);
        bad.put("kind", "liner");
        bad.put("amsgrad", true);
        bad.put("fused", false);
        bad.put("_note", "a comment");
        Settings.Checked checked = check(bad);
        assertEquals(
                List.of(
                        "/p/lr: 'lr' must be a number, 0 or more, was -1.",
                        "/p/betas: 'betas' must be a list of 2 numbers, each 0 or more and below 1,"
                                + " was [0.9].",
                        "/p/nestorov: 'nestorov' is not a key here. Did you mean 'nesterov'?",
                        "/p/steps: 'steps' must be an integer, 1 or more, was 1.5.",
                        "/p/kind: 'kind' must be one of linear, log, was \"liner\". Did you mean"
                                + " \"linear\"?",
                        "/p/amsgrad: 'amsgrad' = true is not supported here: it is not here. Remove"
                                + " it.",
                        "/p/fused: 'fused' has no effect here: there is one kernel."),
                checked.diagnostics().stream().map(Diagnostic::toString).toList());
        assertFalse(checked.isUsable());
    }

    @Test
    void autoLeavesTheDefaultAndSaysSo() {
        Settings settings = check(Map.of("lr", "auto")).settings();
        assertTrue(settings.isAuto("lr"));
        assertEquals(1e-3, settings.doubleOr("lr", 0));
        Settings decided = settings.with("lr", 0.5);
        assertFalse(decided.isAuto("lr"));
        assertEquals(0.5, decided.doubleOr("lr", 0));
        assertEquals(1e-3, settings.doubleOr("lr", 0), "the original is unchanged");
    }

    @Test
    void quotedNumbersAreReadWithAWarning() {
        Settings.Checked checked = check(Map.of("steps", " 5_000 "));
        assertTrue(checked.isUsable());
        assertEquals(5000, checked.settings().intOr("steps", 0));
        assertEquals("lenient", checked.diagnostics().getFirst().code());
    }

    @Test
    void integersKeepTheirExactness() {
        BigInteger huge = BigInteger.TEN.pow(30);
        Settings settings = check(Map.of("steps", huge)).settings();
        assertEquals(huge, settings.value("steps").orElseThrow());
        assertEquals(Long.MAX_VALUE, settings.longOr("steps", 0), "sizes saturate");
        assertThrows(IllegalArgumentException.class, () -> settings.intOr("steps", 0));
    }

    @Test
    void theCallersMapIsNotKept() {
        Map<String, Object> mine = new LinkedHashMap<>(Map.of("momentum", 0.9f));
        Settings settings = Settings.of(mine);
        mine.put("momentum", 0.1f);
        assertEquals(0.9f, settings.floatOr("momentum", 0));
        assertThrows(IllegalArgumentException.class, () -> settings.stringOr("momentum", ""));
    }

    @Test
    void nearNamesSurviveSwapsCaseAndDashes() {
        List<String> known = List.of("weight_decay", "lr", "betas");
        assertEquals(List.of("weight_decay"), Spelling.nearest("Weight-Dceay", known, 2));
        assertEquals(List.of("lr"), Spelling.nearest("rl", known, 2));
        assertEquals(List.of(), Spelling.nearest("completely_other", known, 2));
    }

    private static Settings.Checked check(Map<String, ?> values) {
        return Settings.validate(KEYS, values, "/p");
    }
}
