package ds.comm;

import ds.core.FlatBuffer;
import ds.core.Pending;
import java.util.List;

/**
 * One rank's view of a group. Every rank makes the same calls in the same order, from one thread.
 * Operations end in {@link Pending#await}; buffers belong to the operation until then. A rank that
 * fails or stays away beyond the time limit makes every other rank fail with {@link CommException}
 * naming the rank, the collective and its sizes. Never a hang.
 */
public interface Communicator extends AutoCloseable {
    /** What the owner does with everybody's contribution to its part. */
    @FunctionalInterface
    interface Fold {
        /** Folds the slices, which are in rank order and readable only during the call. */
        void fold(List<FlatBuffer> slicesInRankOrder);
    }

    /** Returns this rank, 0 to size − 1. */
    int rank();

    /** Returns the number of ranks. */
    int size();

    /**
     * Hands every owner all ranks' slices of its part, in rank order; {@code fold} runs on the
     * calling thread during await. The contribution may be reused after await.
     *
     * @param contribution of the split's total length; the same type on every rank
     */
    Pending orderedReduceScatter(FlatBuffer contribution, Split split, Fold fold);

    /**
     * Collects everybody's part.
     *
     * @param own this rank's part; may be the slice of {@code all} where it belongs
     * @param all receives all parts; of the split's total length
     */
    Pending allGather(FlatBuffer own, FlatBuffer all, Split split);

    /** Adds {@code values} of all ranks element by element, in place; integers, so in any order. */
    Pending allReduce(long[] values);

    /** Adds {@code values} of all ranks as a left fold in rank order, in place, fp64. */
    Pending allReduce(double[] values);

    /** Copies {@code root}'s buffer to every rank. */
    Pending broadcast(FlatBuffer buffer, int root);

    /** Sends part r of {@code send} to rank r; part r of {@code receive} comes from rank r. */
    Pending allToAll(FlatBuffer send, Split sendSplit, FlatBuffer receive, Split receiveSplit);

    /** Waits for all ranks. */
    void barrier();

    /**
     * Returns a group of the ranks that gave the same {@code color}, in the order of (key, rank).
     * Closed by the caller.
     */
    Communicator split(int color, int key);

    /**
     * Says that this rank makes no call any more: every other rank's operation that needs one of it
     * fails with {@code cause}, at once. Operations that this rank has ended are ended by the others
     * too.
     */
    void fail(Throwable cause);

    /**
     * Forgets a failure and every operation under way, so that all ranks begin anew; what such an
     * operation was to write is undefined. Called for every rank of the group, by one thread, while
     * no rank is in a call of this group; groups split from it are of no use afterwards.
     *
     * @return false, having done nothing, if this kind of group cannot: it stays failed
     */
    default boolean recover() {
        return false;
    }

    /** Returns what was moved so far. */
    Traffic traffic();

    @Override
    void close();
}
