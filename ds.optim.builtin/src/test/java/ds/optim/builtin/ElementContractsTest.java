package ds.optim.builtin;

import ds.optim.spi.OptimizerProvider;
import ds.testkit.OptimizerContract;
import java.util.Map;
import org.junit.jupiter.api.Nested;

/** The other element-wise optimizers keep the contract. */
class ElementContractsTest {
    @Nested
    class Amsgrad extends OptimizerContract {
        @Override
        protected OptimizerProvider provider() {
            return new AdamProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of("amsgrad", true);
        }
    }

    @Nested
    class Lion extends OptimizerContract {
        @Override
        protected OptimizerProvider provider() {
            return new LionProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of("weight_decay", 0.1);
        }
    }

    @Nested
    class Adagrad extends OptimizerContract {
        @Override
        protected OptimizerProvider provider() {
            return new AdagradProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of("lr_decay", 0.1, "initial_accumulator_value", 0.1);
        }
    }
}
