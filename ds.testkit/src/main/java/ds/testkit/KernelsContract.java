package ds.testkit;

import ds.kernels.spi.KernelsProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What all kernels promise: in fp32 they agree with the formula in fp64, the same calls give the same
 * bits, and a provider that says it is reproducible gives those of any number of workers. Gradients are
 * checked against central differences of the fp64 formula, so that they do not repeat a kernel's own
 * derivation. All operands are outside the heap. Extend it and return the provider; one that cannot run
 * here is skipped by name.
 */
public abstract class KernelsContract {
    private KernelsRig rig;

    /** For subclasses. */
    protected KernelsContract() {}

    /** Returns the provider under test. */
    protected abstract KernelsProvider provider();

    @BeforeEach
    void open() {
        KernelsProvider provider = provider();
        provider.unavailable()
                .ifPresent(
                        why ->
                                Assumptions.abort(
                                        "The kernels '%s' cannot run here: %s"
                                                .formatted(provider.name(), why)));
        rig = new KernelsRig(provider);
    }

    @AfterEach
    void close() {
        if (rig != null) {
            rig.close();
        }
    }

    @Test
    void productsOfAllLayoutsAreRightAndTheSameBitsWherePromised() {
        new ProductChecks(rig).productsOfAllLayoutsAreRightAndTheSameBitsWherePromised();
    }

    @Test
    void theSameProductsByAsManyWorkersAreTheSameBits() {
        new ProductChecks(rig).theSameProductsByAsManyWorkersAreTheSameBits();
    }

    @Test
    void aProductDoesNotDependOnItsNeighboursWherePromised() {
        new ProductChecks(rig).aProductDoesNotDependOnItsNeighboursWherePromised();
    }

    @Test
    void accumulatingAddsToWhatIsThere() {
        new ProductChecks(rig).accumulatingAddsToWhatIsThere();
    }

    @Test
    void aProductWithItsActivationHasTheBitsOfTheTwoInTurn() {
        new ProductChecks(rig).aProductWithItsActivationHasTheBitsOfTheTwoInTurn();
    }

    @Test
    void aProductWithTheSlopeOfAnActivationHasTheBitsOfTheTwoInTurn() {
        new ProductChecks(rig).aProductWithTheSlopeOfAnActivationHasTheBitsOfTheTwoInTurn();
    }

    @Test
    void aProductAddedToAnotherMatrixHasTheBitsOfOneAddedToItsCopy() {
        new ProductChecks(rig).aProductAddedToAnotherMatrixHasTheBitsOfOneAddedToItsCopy();
    }

    @Test
    void activationsAndTheirSlopes() {
        new LayerChecks(rig).activationsAndTheirSlopes();
    }

    @Test
    void layerNormAndItsGradients() {
        new LayerChecks(rig).layerNormAndItsGradients();
    }

    @Test
    void rmsNormAndItsGradients() {
        new LayerChecks(rig).rmsNormAndItsGradients();
    }

    @Test
    void attentionAndItsGradient() {
        new LayerChecks(rig).attentionAndItsGradient();
    }

    @Test
    void rotationTurnsPairsAndBack() {
        new LayerChecks(rig).rotationTurnsPairsAndBack();
    }

    @Test
    void crossEntropyAndItsGradient() {
        new LossChecks(rig).crossEntropyAndItsGradient();
    }

    @Test
    void crossEntropyNamesTheRowOfAWrongTarget() {
        new LossChecks(rig).crossEntropyNamesTheRowOfAWrongTarget();
    }

    @Test
    void tilesOfLogitsGiveTheBitsOfTheWhole() {
        new LossChecks(rig).tilesOfLogitsGiveTheBitsOfTheWhole();
    }

    @Test
    void withoutTargetsTheLossAndItsGradientAreZero() {
        new LossChecks(rig).withoutTargetsTheLossAndItsGradientAreZero();
    }

    @Test
    void squaredErrorAndItsGradient() {
        new LossChecks(rig).squaredErrorAndItsGradient();
    }

    @Test
    void embeddingsAndTheirGradients() {
        new LayerChecks(rig).embeddingsAndTheirGradients();
    }

    @Test
    void anIdOutsideTheTableIsNamed() {
        new LayerChecks(rig).anIdOutsideTheTableIsNamed();
    }

    @Test
    void dropoutKeepsItsShareAndDependsOnTheSampleAlone() {
        new LayerChecks(rig).dropoutKeepsItsShareAndDependsOnTheSampleAlone();
    }

    @Test
    void blocksAreCopiedAndMatricesTransposed() {
        new SumChecks(rig).blocksAreCopiedAndMatricesTransposed();
    }

    @Test
    void rowsAreSummed() {
        new SumChecks(rig).rowsAreSummed();
    }

    @Test
    void aFoldAddsInOrderAndMeasures() {
        new SumChecks(rig).aFoldAddsInOrderAndMeasures();
    }

    @Test
    void aSumIn16BitsIsRoundedAfterEachContributionHoweverManyComeAtOnce() {
        new SumChecks(rig).aSumIn16BitsIsRoundedAfterEachContributionHoweverManyComeAtOnce();
    }

    @Test
    void stochasticRoundingKeepsTheMeanAndWhatNeedsNone() {
        new SumChecks(rig).stochasticRoundingKeepsTheMeanAndWhatNeedsNone();
    }

    @Test
    void operandsThatAreTooSmallAreNamed() {
        new ProductChecks(rig).operandsThatAreTooSmallAreNamed();
    }
}
