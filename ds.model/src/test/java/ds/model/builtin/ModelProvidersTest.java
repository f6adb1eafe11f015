package ds.model.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Settings;
import ds.model.ModelLayout;
import ds.model.Models;
import ds.model.Parameter;
import ds.model.spi.ModelProvider;
import ds.model.spi.ModelProvider.DataShape;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Models are found by name and fit their ends to the data. */
class ModelProvidersTest {
    private static final DataShape TEXT = new DataShape(64, 256, true, true);
    private static final DataShape DIGITS = new DataShape(784, 10, false, true);

    private static ModelLayout layout(String name, Map<String, Object> settings, DataShape data) {
        ModelProvider provider = Models.in(ModuleLayer.boot()).require(name);
        Settings.Checked checked = Settings.validate(provider.settings(), settings, "");
        assertTrue(checked.isUsable(), checked.diagnostics().toString());
        return provider.create(checked.settings(), data).layout();
    }

    @Test
    void gptByDefaultIsTheDocumentedOne() {
        ModelLayout layout = layout("gpt", Map.of(), TEXT);
        int block = 12 * 128 * 128 + 13 * 128;
        assertEquals((256 + 128) * 128 + 4L * block + 2 * 128, layout.elements());
        assertEquals("embed", layout.units().getFirst().name());
        assertEquals("final", layout.units().getLast().name());
    }

    @Test
    void gptTakesItsSettings() {
        ModelLayout layout =
                layout("GPT", Map.of("layers", 2, "width", 32, "heads", 2, "tied", false), TEXT);
        assertEquals(4, layout.units().size());
        Parameter head = layout.units().getLast().parameters().getLast();
        assertEquals("head [256, 32]", head.name() + " " + head.shape());
    }

    @Test
    void gptKnowsAtLeastTheTokensOfTheData() {
        ModelLayout layout = layout("gpt", Map.of("vocabulary", 1000), TEXT);
        Parameter table = layout.units().getFirst().parameters().getFirst();
        assertEquals("tok [1000, 128]", table.name() + " " + table.shape());
        var thrown =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> layout("gpt", Map.of("vocabulary", 255), TEXT));
        assertEquals(
                "Model gpt has a vocabulary of 255, but the data has 256 tokens; leave it out, or make it larger.",
                thrown.getMessage());
    }

    @Test
    void sizesBeyondReasonAreOneErrorWithValueAndRule() {
        Map<String, String> rules =
                Map.of(
                        "layers", "10000",
                        "width", "1048576",
                        "heads", "1048576",
                        "context", "16777216",
                        "vocabulary", "16777216",
                        "feed_forward", "4194304");
        ModelProvider gpt = Models.in(ModuleLayer.boot()).require("gpt");
        rules.forEach(
                (key, most) ->
                        assertEquals(
                                List.of(
                                        "/%s: '%s' must be an integer, from 1 to %s, was 2000000000."
                                                .formatted(key, key, most)),
                                problems(gpt, Map.of(key, 2_000_000_000))));
        ModelProvider mlp = Models.in(ModuleLayer.boot()).require("mlp");
        assertEquals(1, problems(mlp, Map.of("hidden", List.of(3e9))).size());
        var wide =
                assertThrows(
                        IllegalArgumentException.class, () -> Gpt.of(g -> g.width(2_000_000_000)));
        assertEquals(
                "A gpt has width from 1 to 1,048,576, was 2,000,000,000; choose one of them.",
                wide.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Gpt.of(g -> g.layers(1_000_000_000)));
        assertThrows(IllegalArgumentException.class, () -> Gpt.of(g -> g.layers(0)));
    }

    private static List<String> problems(ModelProvider provider, Map<String, Object> settings) {
        return Settings.validate(provider.settings(), settings, "").diagnostics().stream()
                .map(Object::toString)
                .toList();
    }

    @Test
    void mlpFitsTheData() {
        ModelLayout layout = layout("mlp", Map.of("hidden", List.of(32, 16)), DIGITS);
        assertEquals(784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10, layout.elements());
    }

    @Test
    void aModelForOtherDataIsRefused() {
        IllegalArgumentException thrown =
                assertThrows(IllegalArgumentException.class, () -> layout("gpt", Map.of(), DIGITS));
        assertEquals(
                "Model gpt learns from tokens, but the data holds numbers; choose model mlp.",
                thrown.getMessage());
        assertThrows(IllegalArgumentException.class, () -> layout("mlp", Map.of(), TEXT));
        assertThrows(
                IllegalArgumentException.class,
                () -> layout("gpt", Map.of("width", 30, "heads", 4), TEXT));
    }
}
