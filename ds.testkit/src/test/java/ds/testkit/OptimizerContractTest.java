package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.FlatBuffer;
import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** The optimizer contract lets a right optimizer pass, and finds each way of breaking it. */
class OptimizerContractTest {
    private static final float RATE = 0.1f;

    @Test
    void aRightOptimizerPasses() {
        OptimizerContract contract =
                contract(
                        () -> (shard, context) -> descend(shard, context, context.gradientScale()));
        assertDoesNotThrow(contract::everySettingIsDocumentedAndNamedOnce);
        assertDoesNotThrow(contract::slotsAreFewNamedAndAlwaysTheSame);
        assertDoesNotThrow(contract::slotsHoldWhatTheyAreDeclaredFor);
        assertDoesNotThrow(contract::hyperParametersAreTakenFromTheContext);
        assertDoesNotThrow(contract::whatASettingSetsActsThroughTheContextOnly);
        assertDoesNotThrow(contract::whatSchedulesChangeIsInTheBase);
        assertDoesNotThrow(contract::groupsOfOneStepDoNotShareHyperParameters);
        assertDoesNotThrow(contract::cutsOfAShardDoNotShow);
        assertDoesNotThrow(contract::workersDoNotShow);
        assertDoesNotThrow(contract::aFreshOptimizerContinuesFromTheSlots);
        assertDoesNotThrow(contract::aStepMovesWeightsWithAGradient);
        assertDoesNotThrow(contract::theGradientScaleIsAppliedOnce);
        assertDoesNotThrow(contract::theCopyIsTheRoundedMaster);
        assertDoesNotThrow(contract::paddingStaysZero);
    }

    @Test
    void aForgottenGradientScaleIsFound() {
        broken(
                contract(() -> (shard, context) -> descend(shard, context, 1)),
                OptimizerContract::theGradientScaleIsAppliedOnce);
    }

    @Test
    void aStepThatDependsOnThePlaceInItsShardIsFound() {
        broken(
                contract(
                        () ->
                                (shard, context) -> {
                                    descend(shard, context, context.gradientScale());
                                    shard.master().set(0, shard.master().get(0) * 0.5f);
                                }),
                OptimizerContract::cutsOfAShardDoNotShow);
    }

    @Test
    void aForgottenCopyIsFound() {
        broken(
                contract(
                        () -> (shard, context) -> shard.master().set(0, shard.master().get(0) + 1)),
                OptimizerContract::theCopyIsTheRoundedMaster);
    }

    @Test
    void aFailureSaysWhatDifferedWhereAndByHowMuch() {
        OptimizerContract contract =
                contract(
                        () ->
                                (shard, context) -> {
                                    if (context.workers().count() == 3) {
                                        shard.master().set(17, 1.5f);
                                    } else {
                                        shard.master().set(17, 1);
                                    }
                                });
        var failure = assertThrows(AssertionError.class, contract::workersDoNotShow);
        assertEquals(
                "1 worker against 3 workers: element 17 of the weights is 1.0 against 1.5"
                        + " (0x3f800000, 0x3fc00000); 1 of 66,313 elements differ."
                        + " Pieces must not share what they write, nor depend on their order.",
                failure.getMessage());
    }

    @Test
    void stateOfItsOwnIsFound() {
        broken(
                contract(
                        () -> {
                            AtomicInteger calls = new AtomicInteger();
                            return (shard, context) ->
                                    descend(shard, context, calls.incrementAndGet() * 0.25f);
                        }),
                OptimizerContract::aFreshOptimizerContinuesFromTheSlots);
    }

    @Test
    void paddingThatMovesIsFound() {
        broken(
                contract(
                        () ->
                                (shard, context) -> {
                                    for (long i = 0; i < shard.length(); i++) {
                                        shard.master().set(i, shard.master().get(i) + RATE);
                                    }
                                }),
                OptimizerContract::paddingStaysZero);
    }

    @Test
    void memoryPerElementIsFound() {
        broken(
                contract(
                        () ->
                                (shard, context) ->
                                        shard.master().set(0, shard.gradient().toFloats()[0])),
                OptimizerContract::aHotStepAllocatesAFewObjectsWhateverTheLength);
    }

    private static void descend(Shard shard, StepContext context, float scale) {
        FlatBuffer w = shard.master();
        FlatBuffer g = shard.gradient();
        float rate = (float) context.hyper().lr();
        context.forEachPiece(
                shard.length(),
                (from, to) -> {
                    for (long i = from; i < to; i++) {
                        w.set(i, w.get(i) - rate * (g.get(i) * scale));
                    }
                });
        shard.copyOut().ifPresent(copy -> context.kernels().convert(w, copy));
    }

    private static void broken(OptimizerContract contract, Consumer<OptimizerContract> test) {
        assertThrows(AssertionError.class, () -> test.accept(contract));
    }

    private static OptimizerContract contract(Supplier<Optimizer.Element> step) {
        return new OptimizerContract() {
            @Override
            protected OptimizerProvider provider() {
                return new Descent(step);
            }
        };
    }

    private record Descent(Supplier<Optimizer.Element> step) implements OptimizerProvider {
        @Override
        public String name() {
            return "descent";
        }

        @Override
        public List<KeyDeclaration> settings() {
            return List.of();
        }

        @Override
        public Optimizer create(Settings params) {
            Optimizer.Element element = step.get();
            return new Optimizer() {
                @Override
                public Hyper base() {
                    return new Hyper(RATE, 0, 0);
                }

                @Override
                public List<StateSlot> slots() {
                    return List.of();
                }

                @Override
                public Kind kind(ParameterSpec parameter) {
                    return element;
                }
            };
        }
    }
}
