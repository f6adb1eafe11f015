package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.comm.Communicator;
import ds.comm.Communicators;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Ranks that are threads keep the contract, found by name. */
class LocalCommunicatorTest extends CommunicatorContract {
    @Override
    protected List<Communicator> connect(int ranks, Duration limit) {
        return Communicators.providers(ModuleLayer.boot()).require("local").connect(ranks, limit);
    }

    @Test
    void theProviderIsFoundByName() {
        assertTrue(Communicators.providers(ModuleLayer.boot()).has("local"));
    }
}
