package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Settings;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.testkit.FixtureReport;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Thirteen steps of DeepSpeed's 1-bit optimizers on two ranks, recorded; ours go the same way. */
class RecordedOneBitTest {
    private static final double ABSOLUTE = 2e-6;

    /** A sign that rounding decides flips a whole scale: so many elements of a tensor may differ. */
    private static final double FLIPPED = 0.01;

    private static final int CALLS = 14;
    private static final List<String> TENSORS = List.of("a", "b", "c");
    private static final Map<String, OptimizerProvider> PROVIDERS =
            Map.of(
                    "OnebitAdam", new OneBitAdamProvider(),
                    "OnebitLamb", new OneBitLambProvider(),
                    "ZeroOneAdam", new ZeroOneAdamProvider());

    @Test
    @Tag("fixtures")
    void bothRanksFollowTheRecording() throws IOException {
        Assumptions.assumeTrue(Golden.isPresent("onebit"), "no onebit fixtures in this folder");
        Golden golden = Golden.read("onebit");
        FixtureReport report = new FixtureReport("onebit");
        for (Map<String, Object> recorded : golden.cases("cases")) {
            if (recorded.get("kind").equals("optimizer")) {
                follow(golden, recorded, report);
            }
        }
        System.out.println(report);
        assertEquals(List.of(), report.outside());
        assertTrue(report.cases() > 0);
    }

    private static void follow(Golden golden, Map<String, Object> recorded, FixtureReport report) {
        PairExchange.Table table = new PairExchange.Table();
        List<FutureTask<Long>> tasks = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            int own = rank;
            FutureTask<Long> task =
                    new FutureTask<>(() -> new Rank(golden, recorded, own, report).follow(table));
            tasks.add(task);
            Thread.ofPlatform().name("rank-" + rank).start(task);
        }
        for (FutureTask<Long> task : tasks) {
            try {
                assertTrue(task.get() > 0, "exchanged nothing: " + recorded.get("id"));
            } catch (InterruptedException | ExecutionException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** One rank of one recorded run. */
    private record Rank(
            Golden golden, Map<String, Object> recorded, int rank, FixtureReport report) {
        long follow(PairExchange.Table table) {
            Optimizer optimizer = optimizer();
            Optimizer.Replica replica = (Optimizer.Replica) optimizer;
            List<ParameterSpec> parameters =
                    TENSORS.stream()
                            .map(
                                    name ->
                                            new ParameterSpec(
                                                    name, golden.shape("p0/" + name), Set.of()))
                            .toList();
            PairExchange exchange = new PairExchange(table, rank);
            try (Bench bench = new Bench(1)) {
                List<Shard> shards = new ArrayList<>();
                for (ParameterSpec parameter : parameters) {
                    FlatBuffer master = bench.floats(golden.floats("p0/" + parameter.name()));
                    shards.add(
                            bench.shard(
                                    optimizer,
                                    parameter,
                                    master,
                                    bench.buffer(DType.FP32, master.lengthElements()),
                                    Optional.empty()));
                }
                FlatBuffer kept = bench.buffer(DType.FP32, replica.keptElements(parameters, 2));
                List<?> averaged = (List<?>) recorded.get("grads_averaged_at_call");
                // The recorded call 0 only makes buffers: call t is our step t.
                for (int step = 1; step < CALLS; step++) {
                    boolean reduced =
                            replica.gradients(step - 1) == Optimizer.Replica.Gradients.REDUCED;
                    assertEquals(averaged.get(step), reduced, recorded.get("id") + " " + step);
                    for (int i = 0; i < TENSORS.size(); i++) {
                        fill(shards.get(i).gradient(), step, TENSORS.get(i), reduced);
                    }
                    replica.step(
                            shards, bench.context(step, optimizer.base(), 0.5f), exchange, kept);
                    for (int i = 0; i < TENSORS.size(); i++) {
                        compare(step, TENSORS.get(i), shards.get(i));
                    }
                }
            }
            return exchange.compressed();
        }

        private Optimizer optimizer() {
            OptimizerProvider provider = PROVIDERS.get((String) recorded.get("optimizer"));
            Map<String, Object> params = new HashMap<>(Golden.object(recorded.get("hyper")));
            Settings.Checked checked = Settings.validate(provider.settings(), params, "");
            assertTrue(checked.isUsable(), () -> checked.diagnostics().toString());
            return provider.create(checked.settings());
        }

        /** Twice the gradient, which the scale of the step halves again. */
        private void fill(FlatBuffer gradient, int step, String tensor, boolean reduced) {
            float[] own = golden.floats("g/%d/r%d/%s".formatted(step, rank, tensor));
            float[] other = golden.floats("g/%d/r%d/%s".formatted(step, 1 - rank, tensor));
            for (int i = 0; i < own.length; i++) {
                gradient.set(i, reduced ? own[i] + other[i] : 2 * own[i]);
            }
        }

        private void compare(int step, String tensor, Shard shard) {
            String name = "%s/c%d/r%d/p/%s".formatted(recorded.get("id"), step, rank, tensor);
            if (!golden.has(name)) {
                return;
            }
            float[] expected = golden.floats(name);
            int off = 0;
            for (int i = 0; i < expected.length; i++) {
                if (!(Math.abs(expected[i] - shard.master().get(i)) <= ABSOLUTE)) {
                    off++;
                }
            }
            synchronized (report) {
                report.add(
                        (String) recorded.get("id"), name, (double) off / expected.length, FLIPPED);
            }
        }
    }
}
