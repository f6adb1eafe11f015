package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * New values of working parameters that do not rest in memory, between the step of a chunk and their
 * file. Owned by the rank's thread.
 */
final class Published {
    private final ShardState state;
    private final Parameters parameters;
    private final DType precision;
    private final RankMemory memory;
    private final long longest;
    private final List<FlatBuffer> rooms = new ArrayList<>();
    private final Deque<FlatBuffer> lent = new ArrayDeque<>();
    private int newest;

    /** Creates it without memory, which the first loans take. */
    Published(ShardState state, Parameters parameters, ZeroOptions options, RankMemory memory) {
        this.state = state;
        this.parameters = parameters;
        this.precision = options.precision();
        this.memory = memory;
        long run =
                state.stepped().runs().stream().mapToLong(OwnedSpace.Run::length).max().orElse(0);
        this.longest = Math.min(run, ShardState.chunkElements(options));
    }

    /** Returns room for a chunk, whatever it holds; lent until {@link #end}, two at once at most. */
    FlatBuffer lend(long length) {
        if (lent.size() == 2) {
            throw new IllegalStateException("Two chunks are under way already; end one first.");
        }
        newest = lent.isEmpty() ? 0 : 1 - newest;
        while (rooms.size() <= newest) {
            rooms.add(memory.allocate(MemoryKind.STAGING, precision, longest));
        }
        FlatBuffer room = rooms.get(newest).slice(0, length);
        lent.add(room);
        return room;
    }

    /** Ends the oldest loan, and writes what it holds if asked. */
    void end(long first, boolean write) {
        FlatBuffer values = lent.remove();
        if (write) {
            parameters.write(state.held(first), values);
        }
    }
}
