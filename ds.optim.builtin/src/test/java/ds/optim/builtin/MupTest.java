package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.testkit.OptimizerContract;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Learning rates follow the width as package mup's own optimizers scale them. */
class MupTest {
    /** Four times as wide as the base model in the middle; ten inputs and outputs. */
    private static final Map<String, Object> BASE =
            Map.of(
                    "lr", 0.1,
                    "weight_decay", 0.5,
                    "base_shapes",
                            Map.of(
                                    "*.bias", List.of(64),
                                    "in", List.of(64, 0),
                                    "hidden", List.of(32, 64),
                                    "out", List.of(0, 64),
                                    "temperature", List.of(0)));

    private static final ParameterSpec BIAS = spec("a.bias", 256);
    private static final ParameterSpec IN = spec("in", 256, 10);
    private static final ParameterSpec HIDDEN = spec("hidden", 256, 256);
    private static final ParameterSpec OUT = spec("out", 10, 256);
    private static final ParameterSpec FIXED = spec("temperature", 1);

    private static ParameterSpec spec(String name, Integer... shape) {
        return new ParameterSpec(name, List.of(shape), Set.of());
    }

    private static Optimizer create(OptimizerProvider provider) {
        return provider.create(Settings.of(BASE));
    }

    private static double rate(Optimizer optimizer, ParameterSpec parameter) {
        return optimizer.base(parameter).lr();
    }

    @Test
    void adamDividesTheRateOfMatricesByTheGrowthOfTheirInput() {
        for (OptimizerProvider provider : List.of(new MuAdamProvider(), new MuAdamWProvider())) {
            Optimizer optimizer = create(provider);
            assertEquals(0.1, rate(optimizer, BIAS));
            assertEquals(0.1, rate(optimizer, IN));
            assertEquals(0.1 / 4, rate(optimizer, HIDDEN));
            assertEquals(0.1, rate(optimizer, OUT));
            assertEquals(0.1, rate(optimizer, FIXED));
            assertTrue(
                    optimizer.kind(HIDDEN).toString().contains("weightDecay=2.0"),
                    optimizer.kind(HIDDEN).toString());
            assertTrue(optimizer.kind(OUT).toString().contains("weightDecay=0.5"));
            assertSame(optimizer.kind(HIDDEN), optimizer.kind(HIDDEN));
        }
    }

    @Test
    void sgdSpeedsVectorsUpAndMatricesByOutputOverInput() {
        Optimizer optimizer = create(new MuSgdProvider());
        assertEquals(0.1 * 4, rate(optimizer, BIAS));
        assertEquals(0.1 * 4, rate(optimizer, IN));
        assertEquals(0.1 * 8 / 4, rate(optimizer, HIDDEN));
        assertEquals(0.1 * 4, rate(optimizer, OUT));
        assertEquals(0.1, rate(optimizer, FIXED));
        assertTrue(
                optimizer.kind(BIAS).toString().contains("weightDecay=0.125"),
                optimizer.kind(BIAS).toString());
    }

    @Test
    void whatTheConfigurationDoesNotSayIsAskedFor() {
        assertEquals(
                "MuAdam scales learning rates by how much wider each parameter is than in the base"
                        + " model, which the configuration does not say: give base_shapes, such as"
                        + " {\"*.weight\": [64, 64], \"*.bias\": [64]}.",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> new MuAdamProvider().create(Settings.empty()))
                        .getMessage());
        assertEquals(
                "base_shapes has no entry of 2 sizes for parameter 'other' [2, 3]; add one.",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> create(new MuAdamProvider()).kind(spec("other", 2, 3)))
                        .getMessage());
    }

    @Nested
    class Contract extends OptimizerContract {
        @Override
        protected OptimizerProvider provider() {
            return new MuSgdProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of("momentum", 0.9, "base_shapes", Map.of("contract", List.of(100)));
        }
    }
}
