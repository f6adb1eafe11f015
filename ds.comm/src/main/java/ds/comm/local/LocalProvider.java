package ds.comm.local;

import ds.comm.Communicator;
import ds.comm.spi.CommunicatorProvider;
import java.time.Duration;
import java.util.List;

/** Ranks that are threads of this JVM. */
public final class LocalProvider implements CommunicatorProvider {
    /** Creates the provider. */
    public LocalProvider() {}

    @Override
    public String name() {
        return "local";
    }

    @Override
    public List<Communicator> connect(int localRanks, Duration limit) {
        if (localRanks < 1) {
            throw new IllegalArgumentException(
                    "A communicator needs at least 1 rank, was " + localRanks);
        }
        return LocalGroup.create(localRanks, new LocalFamily(localRanks, limit));
    }
}
