package ds.offload;

/**
 * A state store that survives: after a crash at any moment it holds what its last commit held, or
 * says that it does not. Owned by the rank's thread.
 */
public interface DurableStore extends StateStore {
    /**
     * Starts making everything written since the last commit durable, together with {@code record};
     * {@link #awaitCommit} and everything else that touches the store waits for it. What a failure
     * leaves is the commit before, whole; it is never tried again, and the store refuses further use.
     *
     * @throws StorageException if the commit before, still under way, failed
     */
    void commit(CommitRecord record);

    /**
     * Waits until the commit that is under way, if any, is on the medium.
     *
     * @throws StorageException if the operating system cannot say that all of it is
     */
    void awaitCommit();

    /** Returns the number of the last commit that is durable; 0 before the first, which is 1. */
    long lastCommit();

    /** Returns how often the run was recovered so far, as far as this rank knows. */
    long epoch();

    /** Returns whose state this is. */
    StoreIdentity identity();

    /**
     * Reads the store and returns its newest commit below {@code commit} of which every block matches
     * its checksum; 0 if there is none. Between {@link StateStores#reopen} and {@link #recover}.
     *
     * @throws StorageException if a file cannot be read
     */
    long newestWhole(long commit);

    /**
     * Gives up the commits after one that all ranks have, so that another rank can go back further
     * than this one; {@link #recover} comes next.
     *
     * @param commit the last one, the one before it, or what {@link #newestWhole} returned
     * @param epoch one more than any rank knows of
     * @throws StorageException if this store does not hold that commit
     */
    void goBack(long commit, long epoch);

    /**
     * Goes on from a commit that all ranks have. Before the first write after {@link
     * StateStores#reopen}.
     *
     * @param commit the last one of the rank that has the fewest, the one before it, or what {@link
     *     #newestWhole} returned
     * @param epoch one more than any rank knows of
     * @return where the run stood
     * @throws StorageException if this store does not hold that commit
     */
    CommitRecord recover(long commit, long epoch);
}
