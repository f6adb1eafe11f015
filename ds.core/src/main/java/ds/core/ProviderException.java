package ds.core;

/** The installation lacks a provider, has two of one name, or has one that cannot be used. */
public final class ProviderException extends DsException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception naming what was asked, what is present and what to add. */
    public ProviderException(String message) {
        super(message);
    }

    /** Creates an exception with the provider's own failure. */
    public ProviderException(String message, Throwable cause) {
        super(message, cause);
    }
}
