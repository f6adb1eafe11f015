package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.Diagnostic;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Optimizers;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** DeepSpeed's parameters are read with its defaults; mistakes come back with a way out. */
class SettingsTest {
    @Test
    void anUnknownParameterIsReportedWithWhatWasMeant() {
        assertEquals(
                List.of(
                        "/optimizer/params/weight_decai: 'weight_decai' is not a key here."
                                + " Did you mean 'weight_decay'?"),
                problems(new AdamWProvider(), Map.of("weight_decai", 0.1)));
    }

    @Test
    void whatNoStepHereHasIsRefusedWithTheReason() {
        assertEquals(
                List.of(
                        "/optimizer/params/amsgrad: 'amsgrad' = true is not supported here:"
                                + " DeepSpeed has no AMSGrad here either; remove it or set it to"
                                + " false."),
                problems(new LambProvider(), Map.of("amsgrad", true)));
        assertEquals(List.of(), problems(new LambProvider(), Map.of("amsgrad", false)));
        assertEquals(
                List.of(
                        "/optimizer/params/maximize: 'maximize' = true is not supported here: a"
                                + " loss is minimised here; remove it, and negate the loss."),
                problems(new SgdProvider(), Map.of("maximize", true)));
    }

    @Test
    void everyOptimizerRefusesToClipWithTheSameWords() {
        for (OptimizerProvider provider : Optimizers.in(ModuleLayer.boot()).all()) {
            assertEquals(
                    List.of(
                            "/optimizer/params/max_grad_norm: 'max_grad_norm' = 1.0 is not"
                                    + " supported here: use the top-level key"
                                    + " 'gradient_clipping'."),
                    problems(provider, Map.of("max_grad_norm", 1.0)).stream()
                            .filter(problem -> problem.contains("max_grad_norm"))
                            .toList(),
                    provider.name());
        }
    }

    @Test
    void whatHasNoEffectIsNoted() {
        assertEquals(
                List.of(
                        "/optimizer/params/torch_adam: 'torch_adam' has no effect here: there is"
                                + " one fused kernel here, with the same numbers."),
                problems(new AdamProvider(), Map.of("torch_adam", true)));
        assertEquals(
                List.of(
                        "/optimizer/params/adam_w_mode: 'adam_w_mode' has no effect here: type"
                                + " AdamW always decouples the decay; type Adam has both modes."),
                problems(new AdamWProvider(), Map.of("adam_w_mode", false)));
    }

    @Test
    void aRateOutsideItsRangeIsAnError() {
        assertEquals(
                List.of(
                        "/optimizer/params/betas/1: 'betas' must be a list of 2 numbers, each 0 or"
                                + " more and below 1, was 1.0."),
                problems(new AdamProvider(), Map.of("betas", List.of(0.9, 1.0))));
    }

    @Test
    void theDefaultsAreDeepSpeeds() {
        assertEquals(
                "Adam[Hyper[lr=0.001, beta1OrMomentum=0.9, beta2=0.999], AdamSettings[eps=1.0E-8,"
                        + " weightDecay=0.0, decoupled=true, biasCorrection=true,"
                        + " amsgrad=false]]",
                create(new AdamProvider(), Map.of()));
        assertEquals(
                create(new AdamProvider(), Map.of()),
                create(new AdamWProvider(), Map.of("adam_w_mode", false)));
        assertEquals(
                "Sgd[Hyper[lr=0.001, beta1OrMomentum=0.0, beta2=0.0], SgdSettings[dampening=0.0,"
                        + " weightDecay=0.0, nesterov=false]]",
                create(new SgdProvider(), Map.of()));
    }

    @Test
    void contradictingSettingsAreRefusedInOneSentence() {
        var failure =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> create(new SgdProvider(), Map.of("nesterov", true)));
        assertEquals(
                "SGD with nesterov needs a momentum above 0 and a dampening of 0, was given 0.0 and"
                        + " 0.0.",
                failure.getMessage());
        var decay =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                new WarmupDecayProvider()
                                        .create(Settings.empty(), new Hyper(1, 0, 0)));
        assertEquals(
                "WarmupDecayLR needs total_num_steps, the number of steps of the whole run.",
                decay.getMessage());
    }

    @Test
    void theDefaultsOfTheOthersAreThoseOfTheirSources() {
        Hyper betas = new Hyper(1e-3, 0.9, 0.999);
        assertEquals(
                new Lion(betas, 0, Passes.best()).toString().replaceAll("@.*", ""),
                create(new LionProvider(), Map.of()).replaceAll("@.*", ""));
        assertEquals(
                new LambSettings(1e-8, false, 0, true, 0.01, 10),
                ((Lamb) new LambProvider().create(Settings.empty())).settings());
        assertEquals(
                new AdagradSettings(1e-10, 0, 0, 0),
                ((Adagrad) new AdagradProvider().create(Settings.empty())).settings());
        assertEquals(1e-2, new AdagradProvider().create(Settings.empty()).base().lr());
    }

    private static String create(OptimizerProvider provider, Map<String, Object> params) {
        return provider.create(Settings.validate(provider.settings(), params, "").settings())
                .toString();
    }

    private static List<String> problems(OptimizerProvider provider, Map<String, Object> params) {
        return Settings.validate(provider.settings(), params, "/optimizer/params")
                .diagnostics()
                .stream()
                .map(Diagnostic::toString)
                .toList();
    }
}
