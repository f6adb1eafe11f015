package ds.offload;

import ds.core.DsException;

/** Storage failed, was short, or holds other bytes than were written. */
public final class StorageException extends DsException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception naming operation, file, offset, expected and actual. */
    public StorageException(String message) {
        super(message);
    }

    /** Creates an exception with the operating system's own failure. */
    public StorageException(String message, Throwable cause) {
        super(message, cause);
    }
}
