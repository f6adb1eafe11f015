package ds.zero;

import ds.comm.Communicator;
import ds.comm.Split;
import ds.comm.Traffic;
import ds.core.FlatBuffer;
import ds.core.Pending;

/** A communicator that hands contributions over in the wrong order: the negative control. */
record ReversedFolds(Communicator inner) implements Communicator {
    @Override
    public int rank() {
        return inner.rank();
    }

    @Override
    public int size() {
        return inner.size();
    }

    @Override
    public Pending orderedReduceScatter(FlatBuffer contribution, Split split, Fold fold) {
        return inner.orderedReduceScatter(
                contribution, split, slices -> fold.fold(slices.reversed()));
    }

    @Override
    public Pending allGather(FlatBuffer own, FlatBuffer all, Split split) {
        return inner.allGather(own, all, split);
    }

    @Override
    public Pending allReduce(long[] values) {
        return inner.allReduce(values);
    }

    @Override
    public Pending allReduce(double[] values) {
        return inner.allReduce(values);
    }

    @Override
    public Pending broadcast(FlatBuffer buffer, int root) {
        return inner.broadcast(buffer, root);
    }

    @Override
    public Pending allToAll(
            FlatBuffer send, Split sendSplit, FlatBuffer receive, Split receiveSplit) {
        return inner.allToAll(send, sendSplit, receive, receiveSplit);
    }

    @Override
    public void barrier() {
        inner.barrier();
    }

    @Override
    public Communicator split(int color, int key) {
        return inner.split(color, key);
    }

    @Override
    public void fail(Throwable cause) {
        inner.fail(cause);
    }

    @Override
    public Traffic traffic() {
        return inner.traffic();
    }

    @Override
    public void close() {
        inner.close();
    }
}
