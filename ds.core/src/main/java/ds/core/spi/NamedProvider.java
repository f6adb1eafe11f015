package ds.core.spi;

import java.util.Optional;

/** What every provider has: the name that users type in JSON, and whether it can run here. */
public interface NamedProvider {
    /** Returns the name exactly as configuration writes it; compared without regard to case. */
    String name();

    /** Returns why this provider cannot run on this machine, or empty if it can. */
    default Optional<String> unavailable() {
        return Optional.empty();
    }
}
