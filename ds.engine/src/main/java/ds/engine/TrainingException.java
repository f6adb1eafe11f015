package ds.engine;

import ds.core.DsException;

/** Training cannot go on: the loss is not a number, or a rank failed. */
public final class TrainingException extends DsException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception naming step, unit and tensor, and what to try. */
    public TrainingException(String message) {
        super(message);
    }

    /** Creates an exception with the failure of the rank that died first. */
    public TrainingException(String message, Throwable cause) {
        super(message, cause);
    }
}
