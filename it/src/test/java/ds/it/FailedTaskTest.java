package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.comm.CommException;
import ds.engine.Engine;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.ForwardContext;
import ds.model.ModelLayout;
import ds.model.TrainableModel;
import ds.model.builtin.Gpt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A task of the user's that fails stops the engine only if it cut a step in two; what only reads
 * leaves everything as it was.
 */
class FailedTaskTest {
    @TempDir private Path directory;

    /** Throws inside the forward pass of one rank while it is cursed, when a unit is on loan. */
    private static final class CursedModel implements TrainableModel {
        private final TrainableModel model = tokens();
        private final String thread;
        private volatile boolean cursed;

        CursedModel(int rank) {
            this.thread = "ds-r" + rank;
        }

        @Override
        public ModelLayout layout() {
            return model.layout();
        }

        @Override
        public Activations forward(Batch batch, ForwardContext context) {
            boolean mine = cursed && Thread.currentThread().getName().equals(thread);
            Activations made = model.forward(batch, context);
            if (mine) {
                context.acquire(layout().units().getFirst()); // never given back
                throw new IllegalStateException("This pass is cursed.");
            }
            return made;
        }

        @Override
        public void backward(Activations activations, float lossSeed, BackwardContext context) {
            model.backward(activations, lossSeed, context);
        }
    }

    private static Gpt tokens() {
        return Gpt.of(g -> g.layers(2).width(16).heads(2).context(AwkwardModel.CONTEXT));
    }

    /** The parameters after two steps with nothing in between, to compare with. */
    private String hashAfterTwoSteps(TrainableModel model, String more) {
        try (Engine engine = AwkwardEngine.of(model, more, o -> o.ranks(3))) {
            engine.trainStep();
            engine.trainStep();
            return engine.parameterHash();
        }
    }

    private List<String> stages() throws IOException {
        Files.createDirectories(directory.resolve("nvme"));
        return List.of(
                ", \"zero_optimization\": {\"stage\": 1}",
                ", \"zero_optimization\": {\"stage\": 3, \"stage3_param_persistence_threshold\": 0}",
                AwkwardEngine.OFFLOAD.formatted(
                        directory.resolve("nvme"), directory.resolve("nvme")));
    }

    @Test
    void aModelThatThrowsInAnEvaluationLeavesTheEngineAsItWas() throws IOException {
        for (String more : stages()) {
            String expected = hashAfterTwoSteps(tokens(), more);
            // On every rank in turn, in the middle of its units, with gathers under way elsewhere.
            for (int cursed = 0; cursed < 3; cursed++) {
                var model = new CursedModel(cursed);
                try (Engine engine = AwkwardEngine.of(model, more, o -> o.ranks(3))) {
                    engine.trainStep();
                    double loss = engine.evaluate(AwkwardEngine.text()).loss();
                    long allocations = 0;
                    for (int i = 0; i < 3; i++) {
                        model.cursed = true;
                        var failure =
                                assertThrows(
                                        IllegalStateException.class,
                                        () -> engine.evaluate(AwkwardEngine.text()));
                        assertEquals("This pass is cursed.", failure.getMessage());
                        failure =
                                assertThrows(
                                        IllegalStateException.class,
                                        () -> engine.generate("As", g -> g.tokens(3)));
                        assertEquals("This pass is cursed.", failure.getMessage());
                        model.cursed = false;
                        assertEquals(loss, engine.evaluate(AwkwardEngine.text()).loss());
                        if (i == 0) {
                            allocations = engine.allocationCount();
                        }
                    }
                    assertEquals(allocations, engine.allocationCount(), "failing costs no memory");
                    engine.trainStep();
                    assertEquals(expected, engine.parameterHash());
                }
            }
        }
    }

    @Test
    void aTaskThatThrowsBetweenPassesLeavesTheEngineAsItWas() throws IOException {
        for (String more : stages()) {
            String expected = hashAfterTwoSteps(new AwkwardModel(), more);
            try (Engine engine = AwkwardEngine.of(new AwkwardModel(), more, o -> o.ranks(3))) {
                engine.trainStep();
                List<String> seen = Collections.synchronizedList(new ArrayList<>());
                var failure =
                        assertThrows(
                                ArithmeticException.class,
                                () ->
                                        engine.onEachRank(
                                                rank -> {
                                                    if (rank.rank() == 1) {
                                                        throw new ArithmeticException(
                                                                "Off by one.");
                                                    }
                                                    try {
                                                        rank.backward(
                                                                rank.forward(
                                                                        AwkwardEngine.batch()));
                                                    } catch (CommException e) {
                                                        seen.add(e.getMessage());
                                                        throw e;
                                                    }
                                                }));
                assertEquals("Off by one.", failure.getMessage());
                if (more.contains("\"stage\": 3")) { // where a forward pass needs all ranks
                    assertEquals(
                            List.of(
                                    "Rank 1 failed: java.lang.ArithmeticException: Off by one.",
                                    "Rank 1 failed: java.lang.ArithmeticException: Off by one."),
                            seen);
                    engine.trainStep();
                    assertEquals(expected, engine.parameterHash());
                } else { // two ranks were exchanging gradients
                    var refused = assertThrows(IllegalStateException.class, engine::trainStep);
                    assertEquals(
                            "The engine stopped after a failure that may have left a step half done (Off by one.); close it and resume from a checkpoint.",
                            refused.getMessage());
                }
            }
        }
    }

    @Test
    void aTaskThatThrowsAfterItsStepsHasMadeThem() {
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", o -> o.ranks(2))) {
            assertThrows(
                    ArithmeticException.class,
                    () ->
                            engine.onEachRank(
                                    rank -> {
                                        for (int k = 0; k < 2; k++) {
                                            rank.backward(rank.forward(AwkwardEngine.batch()));
                                            rank.step();
                                        }
                                        throw new ArithmeticException("Too late.");
                                    }));
            assertEquals(1, engine.step());
            assertEquals(2, engine.trainStep().step());
        }
    }

    @Test
    void ranksThatMadeDifferentPassesAreOfNoUseAnyMore() {
        try (Engine engine = AwkwardEngine.of(new AwkwardModel(), "", o -> o.ranks(2))) {
            assertThrows(
                    ArithmeticException.class,
                    () ->
                            engine.onEachRank(
                                    rank -> {
                                        rank.backward(rank.forward(AwkwardEngine.batch()));
                                        if (rank.rank() == 0) {
                                            rank.backward(rank.forward(AwkwardEngine.batch()));
                                        } else {
                                            throw new ArithmeticException("Half way.");
                                        }
                                    }));
            var refused =
                    assertThrows(
                            IllegalStateException.class,
                            () -> engine.evaluate(AwkwardEngine.text()));
            assertTrue(refused.getMessage().contains("(Half way.)"), refused::getMessage);
        }
    }
}
