package ds.testkit;

import ds.comm.Communicator;
import ds.comm.Communicators;
import java.time.Duration;
import java.util.List;

/** Ranks that are threads fail as the contract says. */
class LocalCommunicatorFailureTest extends CommunicatorFailureContract {
    @Override
    protected List<Communicator> connect(int ranks, Duration limit) {
        return Communicators.providers(ModuleLayer.boot()).require("local").connect(ranks, limit);
    }
}
