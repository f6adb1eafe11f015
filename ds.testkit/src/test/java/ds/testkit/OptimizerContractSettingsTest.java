package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The optimizer contract finds settings that no schedule reaches, and slots declared wrongly. */
class OptimizerContractSettingsTest {
    private static final Hyper DEFAULT = new Hyper(0.1, 0.5, 0);

    /** Steps by the momentum; a mutant sees other hyper-parameters than the context's. */
    private record Heavy(Hyper base, StateSlot slot, Function<StepContext, Hyper> seen)
            implements Optimizer, Optimizer.Element {
        @Override
        public List<StateSlot> slots() {
            return List.of(slot);
        }

        @Override
        public Kind kind(ParameterSpec parameter) {
            return this;
        }

        @Override
        public void step(Shard shard, StepContext context) {
            Hyper hyper = seen.apply(context);
            float rate = (float) hyper.lr();
            float momentum = (float) hyper.beta1OrMomentum();
            FlatBuffer w = shard.master();
            FlatBuffer m = shard.slots().getFirst();
            for (long i = 0; i < shard.length(); i++) {
                m.set(i, momentum * m.get(i) + shard.gradient().get(i) * context.gradientScale());
                w.set(i, w.get(i) - rate * m.get(i));
            }
            shard.copyOut().ifPresent(copy -> context.kernels().convert(w, copy));
        }
    }

    private record HeavyProvider(Function<Hyper, Optimizer> made) implements OptimizerProvider {
        @Override
        public String name() {
            return "heavy";
        }

        @Override
        public List<KeyDeclaration> settings() {
            return List.of(
                    KeyDeclaration.number("lr", DEFAULT.lr()).atLeast(0).doc("Rate."),
                    KeyDeclaration.number("momentum", DEFAULT.beta1OrMomentum())
                            .atLeast(0)
                            .below(1)
                            .doc("Decay rate."));
        }

        @Override
        public Optimizer create(Settings params) {
            return made.apply(
                    new Hyper(
                            params.doubleOr("lr", DEFAULT.lr()),
                            params.doubleOr("momentum", DEFAULT.beta1OrMomentum()),
                            0));
        }
    }

    private static OptimizerContract contract(Function<Hyper, Optimizer> made) {
        return new OptimizerContract() {
            @Override
            protected OptimizerProvider provider() {
                return new HeavyProvider(made);
            }
        };
    }

    private static Optimizer heavy(Hyper base, Function<StepContext, Hyper> seen) {
        return new Heavy(base, new StateSlot("momentum"), seen);
    }

    private static Hyper withMomentum(Hyper hyper, double momentum) {
        return new Hyper(hyper.lr(), momentum, hyper.beta2());
    }

    private static void broken(
            Function<Hyper, Optimizer> mutant, Consumer<OptimizerContract> test, String says) {
        var failure = assertThrows(AssertionError.class, () -> test.accept(contract(mutant)));
        String message = String.valueOf(failure.getMessage());
        assertTrue(message.contains(says), message);
    }

    @Test
    void aRightOptimizerPasses() {
        OptimizerContract contract = contract(base -> heavy(base, StepContext::hyper));
        assertDoesNotThrow(contract::slotsAreFewNamedAndAlwaysTheSame);
        assertDoesNotThrow(contract::slotsHoldWhatTheyAreDeclaredFor);
        assertDoesNotThrow(contract::hyperParametersAreTakenFromTheContext);
        assertDoesNotThrow(contract::whatASettingSetsActsThroughTheContextOnly);
        assertDoesNotThrow(contract::whatSchedulesChangeIsInTheBase);
        assertDoesNotThrow(contract::groupsOfOneStepDoNotShareHyperParameters);
    }

    @Test
    void aRateOfCreationIsFound() {
        var failure =
                assertThrows(
                        AssertionError.class,
                        () ->
                                contract(base -> heavy(base, c -> c.hyper().withLr(base.lr())))
                                        .hyperParametersAreTakenFromTheContext());
        assertEquals(
                "Steps 2 to 4 with Hyper[lr=0.05, beta1OrMomentum=0.5, beta2=0.0] in"
                        + " context.hyper() wrote the same as with Hyper[lr=0.1, beta1OrMomentum=0.5,"
                        + " beta2=0.0]: lr is not taken from there, so that schedules are ignored.",
                failure.getMessage());
    }

    @Test
    void aMomentumOfCreationIsFound() {
        broken(
                base -> heavy(base, c -> withMomentum(c.hyper(), base.beta1OrMomentum())),
                OptimizerContract::hyperParametersAreTakenFromTheContext,
                "beta1OrMomentum is not taken from there");
    }

    @Test
    void aMomentumThatIsNotInTheBaseIsFound() {
        broken(
                made ->
                        heavy(
                                withMomentum(made, 0),
                                c -> withMomentum(c.hyper(), made.beta1OrMomentum())),
                OptimizerContract::whatSchedulesChangeIsInTheBase,
                "base() does not hold 'momentum'");
    }

    @Test
    void aRateThatIsNotInTheBaseIsFound() {
        broken(
                _ -> heavy(DEFAULT, StepContext::hyper),
                OptimizerContract::whatSchedulesChangeIsInTheBase,
                "Made with 'lr' 0.05 instead of 0.1, base() is the same");
    }

    @Test
    void aRateOfTheFirstStepIsFound() {
        broken(
                base -> {
                    AtomicLong first = new AtomicLong();
                    return heavy(
                            base,
                            c -> {
                                long bits = Double.doubleToRawLongBits(c.hyper().lr());
                                first.compareAndSet(0, bits);
                                return c.hyper().withLr(Double.longBitsToDouble(first.get()));
                            });
                },
                OptimizerContract::hyperParametersAreTakenFromTheContext,
                "lr is not taken from there");
    }

    @Test
    void aRateOfCreationBesideTheContextsIsFound() {
        broken(
                base -> heavy(base, c -> c.hyper().withLr(c.hyper().lr() + base.lr() / 8)),
                OptimizerContract::whatASettingSetsActsThroughTheContextOnly,
                "made with 'lr' 0.1 against made with 'lr' 0.05 instead of 0.1: element 0 of the weights is ");
    }

    @Test
    void aRateKeptForAWholeStepIsFound() {
        broken(
                base -> {
                    AtomicLong step = new AtomicLong();
                    AtomicLong kept = new AtomicLong();
                    return heavy(
                            base,
                            c -> {
                                if (step.getAndSet(c.appliedSteps()) != c.appliedSteps()) {
                                    kept.set(Double.doubleToRawLongBits(c.hyper().lr()));
                                }
                                return c.hyper().withLr(Double.longBitsToDouble(kept.get()));
                            });
                },
                OptimizerContract::groupsOfOneStepDoNotShareHyperParameters,
                "in one step each group has its own");
    }

    @Test
    void aNegativeValueInANonNegativeSlotIsFound() {
        broken(
                base -> new Heavy(base, StateSlot.nonNegative("momentum"), StepContext::hyper),
                OptimizerContract::slotsHoldWhatTheyAreDeclaredFor,
                "of the slot 'momentum' is -");
    }
}
