package ds.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.kernels.spi.KernelsProvider;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The host kernels are found by name, in any case, and can run everywhere. */
class KernelsProvidersTest {
    @Test
    void hostIsFound() {
        KernelsProvider host = KernelsProviders.in(ModuleLayer.boot()).require("Host");
        assertEquals("host", host.name());
        assertEquals(Optional.empty(), host.unavailable());
        assertTrue(host.reproducible());
        try (Workers workers = new Workers("found", 1)) {
            Kernels kernels = host.create(workers);
            assertEquals("host", kernels.name());
            assertEquals(1, kernels.workers().count());
        }
    }
}
