package ds.core;

import java.util.Objects;

/** The root of what this runtime throws when the world, an installation or a peer fails. */
public abstract class DsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception whose message is one sentence with value, limit and way out. */
    protected DsException(String message) {
        super(message);
    }

    /** Creates an exception with the failure that caused it. */
    protected DsException(String message, Throwable cause) {
        super(message, cause);
    }

    /** Returns the sentence. */
    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }
}
