package ds.optim.spi;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.core.spi.NamedProvider;
import java.util.List;

/** Makes optimizers by name: what {@code "optimizer": {"type": ...}} says. */
public interface OptimizerProvider extends NamedProvider {
    /** Returns the settings of {@code params}, with their defaults; unknown ones are refused. */
    List<KeyDeclaration> settings();

    /**
     * Creates the optimizer.
     *
     * @param params checked against {@link #settings}, defaults filled in
     * @throws IllegalArgumentException if settings contradict one another; the message is one
     *     sentence for the author of the document
     */
    Optimizer create(Settings params);
}
