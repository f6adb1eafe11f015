package ds.comm.local;

import ds.comm.Communicator.Fold;
import ds.comm.Split;
import ds.core.FlatBuffer;
import java.util.Arrays;

/** What one rank wants of one collective. Ranks must agree in name and sizes. */
sealed interface Call {
    /** Says what is called with which sizes; equal on all ranks. */
    String signature();

    record ReduceScatter(FlatBuffer contribution, Split split, Fold fold) implements Call {
        @Override
        public String signature() {
            return "orderedReduceScatter of " + sizes(contribution, split);
        }
    }

    record AllGather(FlatBuffer own, FlatBuffer all, Split split) implements Call {
        @Override
        public String signature() {
            return "allGather of " + sizes(all, split);
        }
    }

    record SumLongs(long[] values) implements Call {
        @Override
        public String signature() {
            return "allReduce of %,d integers".formatted(values.length);
        }
    }

    record SumDoubles(double[] values) implements Call {
        @Override
        public String signature() {
            return "allReduce of %,d fp64".formatted(values.length);
        }
    }

    record Broadcast(FlatBuffer buffer, int root) implements Call {
        @Override
        public String signature() {
            return "broadcast from rank %d of %,d %s elements"
                    .formatted(root, buffer.lengthElements(), buffer.type().jsonName());
        }
    }

    record AllToAll(FlatBuffer send, Split sendSplit, FlatBuffer receive, Split receiveSplit)
            implements Call {
        @Override
        public String signature() {
            return "allToAll of %s elements".formatted(send.type().jsonName());
        }
    }

    record Barrier() implements Call {
        @Override
        public String signature() {
            return "barrier";
        }
    }

    record SplitGroup(int color, int key) implements Call {
        @Override
        public String signature() {
            return "split";
        }
    }

    private static String sizes(FlatBuffer buffer, Split split) {
        return "%,d %s elements, divided at %s"
                .formatted(
                        split.total(), buffer.type().jsonName(), Arrays.toString(split.starts()));
    }

    /** Returns whether two ranks' calls fit; cheaper than comparing signatures. */
    static boolean agree(Call a, Call b) {
        return switch (a) {
            case ReduceScatter x ->
                    b instanceof ReduceScatter y
                            && x.contribution.type() == y.contribution.type()
                            && same(x.split, y.split);
            case AllGather x ->
                    b instanceof AllGather y
                            && x.all.type() == y.all.type()
                            && same(x.split, y.split);
            case SumLongs x -> b instanceof SumLongs y && x.values.length == y.values.length;
            case SumDoubles x -> b instanceof SumDoubles y && x.values.length == y.values.length;
            case Broadcast x ->
                    b instanceof Broadcast y
                            && x.root == y.root
                            && x.buffer.type() == y.buffer.type()
                            && x.buffer.lengthElements() == y.buffer.lengthElements();
            case AllToAll x -> b instanceof AllToAll y && x.send.type() == y.send.type();
            case Barrier _ -> b instanceof Barrier;
            case SplitGroup _ -> b instanceof SplitGroup;
        };
    }

    private static boolean same(Split a, Split b) {
        return a == b || Arrays.equals(a.starts(), b.starts());
    }
}
