package ds.comm.spi;

import ds.comm.Communicator;
import ds.core.spi.NamedProvider;
import java.time.Duration;
import java.util.List;

/** Connects ranks: {@code local} ranks are threads of this JVM. */
public interface CommunicatorProvider extends NamedProvider {
    /**
     * Connects this process.
     *
     * @param localRanks ranks that this process runs, at least 1
     * @param limit how long a rank may stay away from a collective
     * @return one communicator per local rank, in rank order; each is used by one thread
     */
    List<Communicator> connect(int localRanks, Duration limit);
}
