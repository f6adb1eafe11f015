package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.core.ProviderException;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the author of an optimizer got wrong names the optimizer, its module and the method. */
class BrokenOptimizerTest {
    private static void train(String in) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "broken", "params": {"in": "%s"}}}
                        """
                                .formatted(in));
        try (Engine engine =
                DeepSpeed.initialize(
                        new AwkwardModel(),
                        config,
                        o -> o.trainingData(AwkwardEngine.text()).ranks(2).workers(1))) {
            engine.trainStep();
        }
    }

    @Test
    void aRightOneTrains() {
        train("nothing");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "create | failed in create: java.lang.IllegalStateException: not mine",
                "error | failed in create: java.lang.Error: not mine",
                "undeclared | failed in create: java.io.IOException: not mine",
                "no create | returned null from create",
                "no base | returned null from base()",
                "no slots | returned null from slots()",
                "no kind | returned null from kind('table')",
                "twins | has two slots named 'sum'",
                "step | failed in step 1: java.lang.IllegalStateException: not mine",
            })
    void isNamedWithWhatItDid(String in, String what) {
        var failure = assertThrows(ProviderException.class, () -> train(in));
        assertEquals(
                "The optimizer 'broken' of module ds.it %s. Repair that module.".formatted(what),
                failure.getMessage());
    }

    @Test
    void aSlotIsNoPath() {
        var failure = assertThrows(ProviderException.class, () -> train("path"));
        assertEquals(
                "The optimizer 'broken' of module ds.it failed in slots(): java.lang.IllegalArgumentException:"
                        + " A slot's name must be letters, digits, '_', '.' and '-', beginning with none of the last two;"
                        + " was '../sum'. Repair that module.",
                failure.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "/optimizer/params (2:44) | 2 | 0.5",
                "/jvm/parameter_groups/0 (3:31) | 0.5 | 2",
            })
    void whatCreateRefusesHasItsPlace(String place, String lr, String groupLr) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "broken", "params": {"in": "nothing", "lr": %s}},
                         "jvm": {"parameter_groups": [{"name": "table", "lr": %s}]}}
                        """
                                .formatted(lr, groupLr));
        var refused =
                assertThrows(
                        ConfigException.class,
                        () ->
                                DeepSpeed.initialize(
                                        new AwkwardModel(),
                                        config,
                                        o -> o.trainingData(AwkwardEngine.text())));
        assertEquals(
                place
                        + ": The optimizer 'broken' of module ds.it refuses this: The rate must be 1 or"
                        + " less. Change one of the settings.",
                refused.diagnostics().getFirst().toString());
    }
}
