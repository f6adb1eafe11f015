package ds.engine.checkpoint;

import ds.core.DsException;

/** A checkpoint cannot be written, found, verified, or does not fit what is to be loaded. */
public final class CheckpointException extends DsException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception naming file, place, what was expected and what was found. */
    public CheckpointException(String message) {
        super(message);
    }

    /** Creates an exception with the failure that caused it. */
    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
