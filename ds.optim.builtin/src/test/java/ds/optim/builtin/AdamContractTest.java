package ds.optim.builtin;

import ds.optim.spi.OptimizerProvider;
import ds.testkit.OptimizerContract;
import java.util.Map;

/** Adam with the decay in the gradient keeps the contract. */
class AdamContractTest extends OptimizerContract {
    @Override
    protected OptimizerProvider provider() {
        return new AdamProvider();
    }

    @Override
    protected Map<String, Object> params() {
        return Map.of("adam_w_mode", false, "weight_decay", 0.1, "eps", 0);
    }
}
