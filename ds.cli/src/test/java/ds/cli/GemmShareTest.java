package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.engine.StepReport;
import ds.offload.Transfers;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** A step's rate is compared with the best rate known, whoever reached it. */
class GemmShareTest {
    private double rate = 4e9;
    private int measured;

    private final GemmShare shares =
            new GemmShare(
                    () -> {
                        measured++;
                        return rate;
                    });

    private static StepReport report(double operations, long nanos) {
        return new StepReport(
                1,
                2.5,
                1e-3,
                1,
                1,
                false,
                8,
                64,
                8,
                nanos,
                operations,
                Map.of("forward", 1L),
                Transfers.NONE);
    }

    @Test
    void theFirstStepHasNoShareAndIsNotMeasured() {
        assertEquals(OptionalDouble.empty(), shares.of(report(5e8, 500_000_000)));
        assertEquals(0, measured);
    }

    @Test
    void aShareIsOperationsByTimeByTheBestRate() {
        shares.of(report(5e8, 500_000_000));
        assertEquals(OptionalDouble.of(0.25), shares.of(report(5e8, 500_000_000)));
        rate = 2e9; // a slower moment changes nothing
        assertEquals(OptionalDouble.of(0.5), shares.of(report(2e9, 1_000_000_000)));
        shares.of(report(2e9, 1_000_000_000));
        assertEquals(2, measured);
    }

    @Test
    void aStepThatIsFasterThanEveryProductIsTheBestRate() {
        shares.of(report(1e9, 1_000_000_000));
        assertEquals(OptionalDouble.of(1), shares.of(report(8e9, 1_000_000_000)));
        assertEquals(OptionalDouble.of(0.5), shares.of(report(4e9, 1_000_000_000)));
    }

    @Test
    void aModelThatCountsNothingHasNoShareAndIsNotMeasured() {
        assertEquals(OptionalDouble.empty(), shares.of(report(0, 1_000_000_000)));
        assertEquals(0, measured);
    }

    @Test
    void measuringBecomesRare() {
        for (int i = 0; i < 640; i++) {
            shares.of(report(1e9, 1_000_000_000));
        }
        assertEquals(5 + 10, measured);
    }
}
