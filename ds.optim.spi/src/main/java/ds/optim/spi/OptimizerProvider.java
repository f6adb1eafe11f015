package ds.optim.spi;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.core.spi.NamedProvider;
import java.util.List;

/** Makes optimizers by name: what {@code "optimizer": {"type": ...}} says. */
public interface OptimizerProvider extends NamedProvider {
    /** Returns the settings of {@code params}, with their defaults; unknown ones are refused. */
    List<KeyDeclaration> settings();

    /** Creates the optimizer. */
    Optimizer create(Settings params);
}
