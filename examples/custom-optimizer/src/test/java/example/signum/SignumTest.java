package example.signum;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Optimizers;
import ds.testkit.OptimizerContract;
import org.junit.jupiter.api.Test;

/** Signum is found by name, and keeps what every optimizer promises. */
class SignumTest extends OptimizerContract {
    @Override
    protected OptimizerProvider provider() {
        return new SignumProvider();
    }

    @Test
    void isFoundByNameInAnyCase() {
        assertEquals("signum", Optimizers.in(ModuleLayer.boot()).require("Signum").name());
    }
}
