package ds.optim.builtin;

import ds.optim.spi.OptimizerProvider;
import ds.testkit.OptimizerContract;
import java.util.Map;

/** AdamW keeps the contract. */
class AdamWContractTest extends OptimizerContract {
    @Override
    protected OptimizerProvider provider() {
        return new AdamWProvider();
    }

    @Override
    protected Map<String, Object> params() {
        return Map.of("weight_decay", 0.1);
    }
}
