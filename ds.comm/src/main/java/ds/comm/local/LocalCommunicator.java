package ds.comm.local;

import ds.comm.CommException;
import ds.comm.Communicator;
import ds.comm.Split;
import ds.comm.Traffic;
import ds.core.FlatBuffer;
import ds.core.Pending;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One rank of a group of threads. A rank posts its call, waits until all have, reads the others'
 * memory in place, and waits until all have read. Owned by the rank's thread.
 */
final class LocalCommunicator implements Communicator {
    private final LocalGroup group;
    private final int rank;
    private final Under[] underWay = new Under[LocalGroup.DEPTH];
    private long posted;
    private long completed;
    private long reduceScatters;
    private long reduceScatterBytes;
    private long allGathers;
    private long allGatherBytes;
    private long allReduces;
    private long others;

    LocalCommunicator(LocalGroup group, int rank) {
        this.group = group;
        this.rank = rank;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return group.size();
    }

    @Override
    public Pending orderedReduceScatter(FlatBuffer contribution, Split split, Fold fold) {
        checkSize(contribution, split, "contribution");
        return post(new Call.ReduceScatter(contribution, split, fold));
    }

    @Override
    public Pending allGather(FlatBuffer own, FlatBuffer all, Split split) {
        checkSize(all, split, "result");
        if (own.lengthElements() != split.length(rank) || own.type() != all.type()) {
            throw new IllegalArgumentException(
                    "Rank %d's own part is %,d %s elements, but the split says %,d %s."
                            .formatted(
                                    rank,
                                    own.lengthElements(),
                                    own.type().jsonName(),
                                    split.length(rank),
                                    all.type().jsonName()));
        }
        return post(new Call.AllGather(own, all, split));
    }

    @Override
    public Pending allReduce(long[] values) {
        return post(new Call.SumLongs(values));
    }

    @Override
    public Pending allReduce(double[] values) {
        return post(new Call.SumDoubles(values));
    }

    @Override
    public Pending broadcast(FlatBuffer buffer, int root) {
        if (root < 0 || root >= size()) {
            throw new IllegalArgumentException(
                    "Root %d is outside ranks 0..%d.".formatted(root, size() - 1));
        }
        return post(new Call.Broadcast(buffer, root));
    }

    @Override
    public Pending allToAll(
            FlatBuffer send, Split sendSplit, FlatBuffer receive, Split receiveSplit) {
        checkSize(send, sendSplit, "send buffer");
        checkSize(receive, receiveSplit, "receive buffer");
        return post(new Call.AllToAll(send, sendSplit, receive, receiveSplit));
    }

    @Override
    public void barrier() {
        post(new Call.Barrier()).await();
    }

    @Override
    public Communicator split(int color, int key) {
        Under under = post(new Call.SplitGroup(color, key));
        under.await();
        return under.child.get(0);
    }

    @Override
    public void fail(Throwable cause) {
        // What another rank's failure caused is told as that.
        group.fail(
                rank,
                cause instanceof CommException known
                        ? known
                        : new CommException("Rank %d failed: %s".formatted(rank, cause), cause));
    }

    @Override
    public boolean recover() {
        group.recover(rank);
        Arrays.fill(underWay, null);
        posted = 0;
        completed = 0;
        return true;
    }

    @Override
    public Traffic traffic() {
        return new Traffic(
                reduceScatters, reduceScatterBytes, allGathers, allGatherBytes, allReduces, others);
    }

    @Override
    public void close() {
        group.leave(rank);
    }

    private void checkSize(FlatBuffer buffer, Split split, String what) {
        if (split.size() != size() || buffer.lengthElements() != split.total()) {
            throw new IllegalArgumentException(
                    "The %s of rank %d has %,d elements for %d ranks, but the split divides %,d among %d."
                            .formatted(
                                    what,
                                    rank,
                                    buffer.lengthElements(),
                                    size(),
                                    split.total(),
                                    split.size()));
        }
    }

    private Under post(Call call) {
        group.check(rank);
        if (posted - completed == LocalGroup.DEPTH) {
            completeUntil(completed);
        }
        Under under = new Under(posted, call);
        underWay[(int) (posted % LocalGroup.DEPTH)] = under;
        group.post(rank, posted, call);
        posted++;
        return under;
    }

    // Operations end in the order in which they were posted, whatever the order of the awaits.
    private void completeUntil(long sequence) {
        while (completed <= sequence) {
            Under under = underWay[(int) (completed % LocalGroup.DEPTH)];
            complete(under);
            completed++;
        }
    }

    private void complete(Under under) {
        long sequence = under.sequence;
        group.awaitPosted(rank, sequence);
        group.checkAgreement(sequence);
        long @Nullable [] longs = null;
        double @Nullable [] doubles = null;
        switch (under.call) {
            case Call.ReduceScatter c -> under.movedBytes = reduceScatter(c, sequence);
            case Call.AllGather c -> under.movedBytes = allGather(c, sequence);
            case Call.SumLongs c -> longs = sumLongs(c, sequence);
            case Call.SumDoubles c -> doubles = sumDoubles(c, sequence);
            case Call.Broadcast c -> under.movedBytes = broadcast(c, sequence);
            case Call.AllToAll c -> under.movedBytes = allToAll(c, sequence);
            case Call.Barrier _ -> others++;
            case Call.SplitGroup c -> under.child = List.of(child(c, sequence));
        }
        group.finish(rank, sequence);
        group.awaitFinished(rank, sequence);
        // Sums replace what the others were reading, hence only now.
        if (longs != null) {
            long[] values = ((Call.SumLongs) under.call).values();
            System.arraycopy(longs, 0, values, 0, values.length);
        } else if (doubles != null) {
            double[] values = ((Call.SumDoubles) under.call).values();
            System.arraycopy(doubles, 0, values, 0, values.length);
        }
    }

    private long reduceScatter(Call.ReduceScatter mine, long sequence) {
        Split split = mine.split();
        long length = split.length(rank);
        if (length > 0) {
            List<FlatBuffer> slices = new ArrayList<>(size());
            for (int r = 0; r < size(); r++) {
                Call.ReduceScatter other = (Call.ReduceScatter) group.call(r, sequence);
                slices.add(other.contribution().slice(split.start(rank), length));
            }
            try {
                mine.fold().fold(slices);
            } catch (RuntimeException | Error e) {
                fail(e);
                throw e;
            }
        }
        long moved = mine.contribution().type().bytesOf(split.total() - length);
        reduceScatters++;
        reduceScatterBytes += moved;
        return moved;
    }

    private long allGather(Call.AllGather mine, long sequence) {
        Split split = mine.split();
        long moved = 0;
        for (int r = 0; r < size(); r++) {
            FlatBuffer target = mine.all().slice(split.start(r), split.length(r));
            if (r != rank) {
                target.copyFrom(((Call.AllGather) group.call(r, sequence)).own());
                moved += target.sizeBytes();
            } else if (!mine.own().segment().equals(target.segment())) {
                target.copyFrom(mine.own());
            }
        }
        allGathers++;
        allGatherBytes += moved;
        return moved;
    }

    private long[] sumLongs(Call.SumLongs mine, long sequence) {
        long[] sum = new long[mine.values().length];
        for (int r = 0; r < size(); r++) {
            long[] values = ((Call.SumLongs) group.call(r, sequence)).values();
            for (int i = 0; i < sum.length; i++) {
                sum[i] += values[i];
            }
        }
        allReduces++;
        return sum;
    }

    private double[] sumDoubles(Call.SumDoubles mine, long sequence) {
        double[] sum = ((Call.SumDoubles) group.call(0, sequence)).values().clone();
        for (int r = 1; r < size(); r++) {
            double[] values = ((Call.SumDoubles) group.call(r, sequence)).values();
            for (int i = 0; i < sum.length; i++) {
                sum[i] += values[i];
            }
        }
        allReduces++;
        return sum;
    }

    private long broadcast(Call.Broadcast mine, long sequence) {
        others++;
        if (rank == mine.root()) {
            return 0;
        }
        mine.buffer().copyFrom(((Call.Broadcast) group.call(mine.root(), sequence)).buffer());
        return mine.buffer().sizeBytes();
    }

    private long allToAll(Call.AllToAll mine, long sequence) {
        long moved = 0;
        for (int r = 0; r < size(); r++) {
            Call.AllToAll other = (Call.AllToAll) group.call(r, sequence);
            long sent = other.sendSplit().length(rank);
            long expected = mine.receiveSplit().length(r);
            if (sent != expected) {
                CommException cause =
                        new CommException(
                                "In allToAll rank %d sends %,d elements to rank %d, which expects %,d; make the splits agree."
                                        .formatted(r, sent, rank, expected));
                group.family().fail(cause);
                throw cause;
            }
            mine.receive()
                    .slice(mine.receiveSplit().start(r), expected)
                    .copyFrom(other.send().slice(other.sendSplit().start(rank), sent));
            if (r != rank) {
                moved += mine.receive().type().bytesOf(sent);
            }
        }
        others++;
        return moved;
    }

    private Communicator child(Call.SplitGroup mine, long sequence) {
        int members = 0;
        int position = 0;
        for (int r = 0; r < size(); r++) {
            Call.SplitGroup other = (Call.SplitGroup) group.call(r, sequence);
            if (other.color() == mine.color()) {
                members++;
                boolean before = other.key() < mine.key() || other.key() == mine.key() && r < rank;
                position += before ? 1 : 0;
            }
        }
        others++;
        return group.child(sequence, mine.color(), members).member(position, group, rank);
    }

    /** An operation between its post and its end. */
    private final class Under implements Pending {
        private final long sequence;
        private final Call call;
        private long movedBytes;
        private List<Communicator> child = List.of();

        Under(long sequence, Call call) {
            this.sequence = sequence;
            this.call = call;
        }

        @Override
        public long await() {
            completeUntil(sequence);
            return movedBytes;
        }
    }
}
