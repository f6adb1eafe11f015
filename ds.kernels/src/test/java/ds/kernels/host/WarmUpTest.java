package ds.kernels.host;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Products do not stay scalar, and the thread that warms them up ends. */
class WarmUpTest {
    @Test
    void itIsOverBeforeLong() {
        assertTimeoutPreemptively(
                Duration.ofSeconds(60),
                () -> {
                    WarmUp.start().join();
                    assertTrue(WarmUp.over());
                });
    }
}
