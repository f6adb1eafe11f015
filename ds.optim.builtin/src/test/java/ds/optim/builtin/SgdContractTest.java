package ds.optim.builtin;

import ds.optim.spi.OptimizerProvider;
import ds.testkit.OptimizerContract;
import java.util.Map;
import org.junit.jupiter.api.Nested;

/** SGD keeps the contract, with and without momentum. */
class SgdContractTest {
    @Nested
    class Plain extends OptimizerContract {
        @Override
        protected OptimizerProvider provider() {
            return new SgdProvider();
        }
    }

    @Nested
    class Momentum extends OptimizerContract {
        @Override
        protected OptimizerProvider provider() {
            return new SgdProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of("momentum", 0.9, "nesterov", true, "weight_decay", 0.01);
        }
    }
}
