package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** An element without gradients until the freeze keeps its value, though signs are never zero. */
class UntouchedElementsTest {
    private static final int ELEMENTS = 64;
    private static final int UNTOUCHED = 7;
    private static final int STEPS = 12;

    static Stream<Arguments> optimizers() {
        return Stream.of(
                Arguments.of(new OneBitAdamProvider(), Map.of("lr", 1e-3, "freeze_step", 4L)),
                Arguments.of(new OneBitLambProvider(), Map.of("lr", 1e-3, "freeze_step", 4L)),
                Arguments.of(
                        new ZeroOneAdamProvider(),
                        Map.of("lr", 1e-3, "var_freeze_step", 4L, "var_update_scaler", 1L)));
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void whatNeverHadAGradientIsNotMoved(OptimizerProvider provider, Map<String, Object> params)
            throws Exception {
        PairExchange.Table table = new PairExchange.Table();
        List<FutureTask<float[]>> ranks = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            PairExchange exchange = new PairExchange(table, rank);
            FutureTask<float[]> task = new FutureTask<>(() -> train(provider, params, exchange));
            ranks.add(task);
            Thread.ofPlatform().start(task);
        }
        for (FutureTask<float[]> rank : ranks) {
            float[] weights = rank.get();
            assertEquals(0.5f, weights[UNTOUCHED]);
            for (float weight : weights) {
                assertTrue(Math.abs(weight - 0.5f) < 1, "moved to " + weight);
            }
            assertNotEquals(0.5f, weights[UNTOUCHED + 1]);
        }
    }

    private static float[] train(
            OptimizerProvider provider, Map<String, Object> params, PairExchange exchange) {
        Settings.Checked checked = Settings.validate(provider.settings(), params, "");
        assertTrue(checked.isUsable(), () -> checked.diagnostics().toString());
        Optimizer optimizer = provider.create(checked.settings());
        Optimizer.Replica replica = (Optimizer.Replica) optimizer;
        ParameterSpec parameter = new ParameterSpec("w", List.of(ELEMENTS), Set.of());
        try (Bench bench = new Bench(1)) {
            FlatBuffer master = bench.buffer(DType.FP32, ELEMENTS);
            FlatBuffer gradient = bench.buffer(DType.FP32, ELEMENTS);
            for (int i = 0; i < ELEMENTS; i++) {
                master.set(i, 0.5f);
                gradient.set(i, i == UNTOUCHED ? 0 : (i % 5 + 1) * (i % 2 == 0 ? 0.1f : -0.1f));
            }
            Shard shard = bench.shard(optimizer, parameter, master, gradient, Optional.empty());
            FlatBuffer kept = bench.buffer(DType.FP32, replica.keptElements(List.of(parameter), 2));
            for (int step = 1; step <= STEPS; step++) {
                replica.step(
                        List.of(shard), bench.context(step, optimizer.base(), 1), exchange, kept);
            }
            return master.toFloats();
        }
    }
}
