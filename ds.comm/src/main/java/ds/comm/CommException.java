package ds.comm;

import ds.core.DsException;

/** A collective failed: a rank died, stayed away, or the ranks disagree about the call. */
public final class CommException extends DsException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception naming rank, collective and sizes. */
    public CommException(String message) {
        super(message);
    }

    /** Creates an exception with the failure of the rank that died. */
    public CommException(String message, Throwable cause) {
        super(message, cause);
    }
}
