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
 * New values of working parameters of which some do not rest in memory, between the step of a chunk
 * and their file. Owned by the rank's thread.
 */
final class Published {
    private final ShardState state;
    private final Parameters parameters;
    private final DType precision;
    private final RankMemory memory;
    private final long longest;
    private final List<FlatBuffer> rooms = new ArrayList<>();
    private final Deque<Loan> lent = new ArrayDeque<>();
    private int newest;

    /** Room of a chunk: where its parameters lie, or from where they are written. */
    private record Loan(long firstHeld, FlatBuffer values, boolean inPlace) {}

    /** Creates it without memory, which the first loans take. */
    Published(ShardState state, Parameters parameters, ZeroOptions options, RankMemory memory) {
        this.state = state;
        this.parameters = parameters;
        this.precision = options.precision();
        this.memory = memory;
        this.longest = roomElements(options.parameters().stored(parameters.held()), options);
    }

    /** Returns the elements of a room. */
    static long roomElements(List<OwnedSpace.Run> stored, ZeroOptions options) {
        long run =
                WorkingMemory.longest(
                        stored.stream().filter(each -> each.region() != Region.FROZEN).toList());
        return Math.min(run, ShardState.chunkElements(options));
    }

    /**
     * Returns room for the new values of a chunk, whatever it holds; lent until {@link #end}, two at
     * once at most.
     */
    FlatBuffer lend(long first, long length) {
        if (lent.size() == 2) {
            throw new IllegalStateException("Two chunks are under way already; end one first.");
        }
        long held = state.held(first);
        boolean inPlace = parameters.inMemory(held);
        newest = lent.isEmpty() ? 0 : 1 - newest;
        FlatBuffer values = inPlace ? parameters.memory(held, length) : room(newest, length);
        lent.add(new Loan(held, values, inPlace));
        return values;
    }

    private FlatBuffer room(int number, long length) {
        while (rooms.size() <= number) {
            rooms.add(memory.allocate(MemoryKind.STAGING, precision, longest));
        }
        return rooms.get(number).slice(0, length);
    }

    /** Ends the oldest loan, and writes what it holds if asked. */
    void end(boolean write) {
        Loan loan = lent.remove();
        if (write && !loan.inPlace()) {
            parameters.write(loan.firstHeld(), loan.values());
        }
    }
}
