package ds.engine.spi;

import ds.core.spi.NamedProvider;
import ds.engine.data.DataOptions;
import ds.engine.data.Dataset;
import java.nio.file.Path;

/** Reads one more data format. Asked before the built-in readers, in order of name. */
public interface DatasetProvider extends NamedProvider {
    /** Returns whether this provider reads {@code file}, judged by its name; must not open it. */
    boolean reads(Path file);

    /**
     * Opens the file.
     *
     * @throws ds.engine.data.DataException if the file cannot be read or is too small
     */
    Dataset open(Path file, DataOptions options);
}
