package ds.foreign.libc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** The limit of locked memory is read as the kernel writes it. */
class LockLimitTest {
    private static final List<String> HEADER =
            List.of(
                    "Limit                     Soft Limit           Hard Limit           Units     ");

    private static LockLimit of(String limit, String capabilities) {
        return LockLimit.of(
                List.of(HEADER.getFirst(), "Max locked memory         " + limit),
                List.of("Name:\tjava", "CapPrm:\tffffffffffffffff", "CapEff:\t" + capabilities));
    }

    @Test
    void theSoftLimitCounts() {
        LockLimit limit = of("8388608              16777216              bytes     ", "0");
        assertEquals(new LockLimit(OptionalLong.of(8_388_608), "8388608 bytes"), limit);
    }

    @Test
    void aProcessWithTheCapabilityHasNoLimit() {
        assertEquals(OptionalLong.empty(), of("65536 65536 bytes", "0000000000004000").bytes());
        assertEquals(OptionalLong.of(65_536), of("65536 65536 bytes", "000001ffffffbfff").bytes());
        assertEquals(OptionalLong.empty(), of("65536 65536 bytes", "ffffffffffffffff").bytes());
    }

    @Test
    void noLimitAndNoAnswerAreToldApart() {
        assertEquals(
                new LockLimit(OptionalLong.empty(), "unlimited"),
                of("unlimited            unlimited            bytes", "0"));
        assertEquals(
                new LockLimit(OptionalLong.empty(), "unknown"), LockLimit.of(HEADER, List.of()));
    }

    @Test
    void thisProcessHasOne() {
        assertTrue(
                LockLimit.ofThisProcess().inWords().matches("unlimited|[0-9]+ bytes"),
                LockLimit.ofThisProcess().inWords());
    }
}
