package ds.engine.data;

import ds.core.DsException;

/** Training data is missing, malformed or too small. */
public final class DataException extends DsException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception naming the file, the place in it, and what to do. */
    public DataException(String message) {
        super(message);
    }

    /** Creates an exception with the failure of the file system. */
    public DataException(String message, Throwable cause) {
        super(message, cause);
    }
}
