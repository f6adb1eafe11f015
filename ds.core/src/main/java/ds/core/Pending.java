package ds.core;

/** An operation under way: a transfer, a copy, a collective. Awaited exactly once, by its owner. */
@FunctionalInterface
public interface Pending {
    /** An operation that has ended already, having moved nothing. */
    Pending DONE = () -> 0;

    /**
     * Waits for the end and returns the bytes moved.
     *
     * @throws DsException if the operation failed; the message names it, its operands and the code
     */
    long await();
}
