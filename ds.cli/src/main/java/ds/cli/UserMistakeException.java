package ds.cli;

import ds.core.DsException;

/** The command line asks for what cannot be; ends with status 2. */
final class UserMistakeException extends DsException {
    private static final long serialVersionUID = 1L;

    UserMistakeException(String message) {
        super(message);
    }

    UserMistakeException(String message, Throwable cause) {
        super(message, cause);
    }
}
