package ds.optim.builtin;

import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.testkit.OptimizerContract;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Nested;

/** The other optimizers keep the contract. */
class OptimizerContractsTest {
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

    @Nested
    class Lamb extends OptimizerContract {
        @Override
        protected OptimizerProvider provider() {
            return new LambProvider();
        }

        @Override
        protected Map<String, Object> params() {
            return Map.of("weight_decay", 0.1);
        }
    }

    /** Muon's matrices; its other part is Adam. */
    abstract static class Matrices extends OptimizerContract {
        @Override
        protected OptimizerProvider provider() {
            return new MuonProvider();
        }

        @Override
        protected ParameterSpec parameter(int elements) {
            int rows = elements % 13 == 0 ? 13 : 21;
            return new ParameterSpec("matrix", List.of(rows, elements / rows), Set.of());
        }
    }

    @Nested
    class GramMuon extends Matrices {}

    @Nested
    class StandardMuon extends Matrices {
        @Override
        protected Map<String, Object> params() {
            return Map.of("ns_method", "standard", "weight_decay", 0.1);
        }
    }
}
