package ds.engine.metrics;

import ds.core.DsException;

/** A file of metrics or a plot cannot be read or written. */
public final class MetricsException extends DsException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception with the failure of the file system. */
    public MetricsException(String message, Throwable cause) {
        super(message, cause);
    }
}
