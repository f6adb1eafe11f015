package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.config.ConfigException;
import ds.config.DsConfig;
import ds.core.ProviderTable;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.kernels.KernelsProviders;
import ds.kernels.spi.KernelsProvider;
import ds.model.builtin.Gpt;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * {@code "jvm": {"kernels": "openblas"}} trains as the host's kernels do, but for the last digits;
 * with as many ranks and workers to the same bits again; and the plan says what that means.
 */
class OpenblasTest {
    private static final int STEPS = 5;
    private static final double TOLERANCE = 1e-4;
    private static final String REASON =
            "no (because kernels 'openblas' add in an order of their own)";

    private static Engine engine(String kernels, boolean bf16, int ranks, int workers) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 16, "train_micro_batch_size_per_gpu": 8,
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.003}},
                         "bf16": {"enabled": %s},
                         "zero_optimization": {"stage": 1},
                         "jvm": {"kernels": "%s"}}
                        """
                                .formatted(bf16, kernels));
        return DeepSpeed.initialize(
                Gpt.of(g -> g.layers(2).width(64).heads(2).context(Rhyme.CONTEXT)),
                config,
                o -> o.trainingData(Rhyme.TEXT).ranks(ranks).workers(workers).seed(11));
    }

    /** What a run came to. */
    private record Course(List<Double> losses, String parameters) {}

    private static Course train(String kernels, boolean bf16, int ranks, int workers) {
        try (Engine engine = engine(kernels, bf16, ranks, workers)) {
            assertEquals(kernels, engine.plan().kernels().name());
            List<Double> losses = new ArrayList<>();
            for (StepReport report : engine.steps(STEPS)) {
                losses.add(report.loss());
            }
            return new Course(losses, engine.parameterHash());
        }
    }

    private static Optional<String> why() {
        ProviderTable<KernelsProvider> table = KernelsProviders.in(ModuleLayer.boot());
        return table.all().stream()
                .filter(provider -> provider.name().equals("openblas"))
                .findFirst()
                .orElseThrow()
                .unavailable();
    }

    private static void requireLibrary() {
        assumeTrue(why().isEmpty(), () -> "openblas cannot run here: " + why().orElseThrow());
    }

    @Test
    void aRunIsTheHostsButForTheLastDigitsAndRepeatsItself() {
        requireLibrary();
        Course host = train("host", false, 1, 2);
        for (int[] shape : new int[][] {{1, 1}, {1, 2}, {2, 1}, {2, 2}}) {
            Course one = train("openblas", false, shape[0], shape[1]);
            for (int i = 0; i < STEPS; i++) {
                double loss = host.losses().get(i);
                assertEquals(loss, one.losses().get(i), TOLERANCE * loss, "step " + (i + 1));
            }
            assertEquals(one, train("openblas", false, shape[0], shape[1]));
        }
    }

    @Test
    void productsInBf16StayWithTheHostAndThePlanSaysSo() {
        requireLibrary();
        assertEquals(train("host", true, 1, 2), train("openblas", true, 1, 2));
        try (Engine engine = engine("openblas", true, 1, 1)) {
            String plan = engine.plan().toString();
            assertTrue(
                    plan.contains(
                            "/jvm/kernels (5:21) is 'openblas', which multiplies fp32 only; products in bf16 stay with the host"),
                    plan);
        }
    }

    @Test
    void thePlanSaysThatBitsAreOtherOnes() {
        requireLibrary();
        try (Engine host = engine("host", false, 1, 1);
                Engine openblas = engine("openblas", false, 1, 1)) {
            assertTrue(openblas.plan().toString().contains(REASON), openblas.plan()::toString);
            assertFalse(
                    openblas.plan().toString().contains("/jvm/kernels"), openblas.plan()::toString);
            assertEquals(List.of(), host.plan().irreproducible());
        }
    }

    @Test
    void whereTheLibraryIsMissingThePlanNamesItAndThePackage() {
        Optional<String> why = why();
        assumeTrue(why.isPresent(), "openblas can run here");
        ConfigException refused =
                assertThrows(ConfigException.class, () -> engine("openblas", false, 1, 1).close());
        assertTrue(
                String.valueOf(refused.getMessage())
                        .contains("The kernels provider 'openblas' cannot run here: " + why.get()),
                refused::getMessage);
    }
}
