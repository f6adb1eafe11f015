package ds.foreign;

import ds.core.DsException;

/** A C function refused: the message says which, with what, and the system's own words. */
public final class NativeException extends DsException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception naming function, operands, code and way out. */
    public NativeException(String message) {
        super(message);
    }
}
