package ds.comm.local;

import ds.comm.CommException;
import ds.comm.Communicator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.BooleanSupplier;

/**
 * What the ranks of one group share: the calls that were posted, and per rank how many it has posted
 * and how many it has finished reading. A counter is written by its own rank only.
 */
final class LocalGroup {
    /** Operations that one rank may have under way. */
    static final int DEPTH = 16;

    private static final int COUNTER_STRIDE = 16; // two cache lines, so that ranks do not share one

    private record Part(long sequence, int color) {}

    private final int size;
    private final LocalFamily family;
    private final AtomicReferenceArray<Call> calls;
    private final AtomicLongArray posted;
    private final AtomicLongArray finished;
    private final AtomicReferenceArray<Thread> owners;
    private final AtomicLongArray closed;
    private final AtomicIntegerArray familyRanks;
    private final Map<Part, LocalGroup> children = new ConcurrentHashMap<>();

    private LocalGroup(int size, LocalFamily family) {
        this.size = size;
        this.family = family;
        this.calls = new AtomicReferenceArray<>(size * DEPTH);
        this.posted = new AtomicLongArray(size * COUNTER_STRIDE);
        this.finished = new AtomicLongArray(size * COUNTER_STRIDE);
        this.owners = new AtomicReferenceArray<>(size);
        this.closed = new AtomicLongArray(size);
        this.familyRanks = new AtomicIntegerArray(size);
    }

    static List<Communicator> create(int size, LocalFamily family) {
        LocalGroup group = new LocalGroup(size, family);
        List<Communicator> ranks = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            group.familyRanks.set(rank, rank);
            ranks.add(new LocalCommunicator(group, rank));
        }
        return List.copyOf(ranks);
    }

    int size() {
        return size;
    }

    LocalFamily family() {
        return family;
    }

    LocalGroup child(long sequence, int color, int members) {
        return children.computeIfAbsent(
                new Part(sequence, color), _ -> new LocalGroup(members, family));
    }

    /** Returns the communicator of a rank of {@code parent} that is {@code rank} here. */
    Communicator member(int rank, LocalGroup parent, int rankInParent) {
        familyRanks.set(rank, parent.familyRanks.get(rankInParent));
        return new LocalCommunicator(this, rank);
    }

    /** Makes every wait for a call that {@code rank} has not begun, or not ended, fail. */
    void fail(int rank, CommException cause) {
        family.fail(familyRanks.get(rank), cause);
    }

    /** Publishes rank's call number {@code sequence}. */
    void post(int rank, long sequence, Call call) {
        if (owners.get(rank) == null) {
            owners.set(rank, Thread.currentThread());
        }
        assert owners.get(rank) == Thread.currentThread()
                : "Rank %d is owned by %s".formatted(rank, owners.get(rank));
        calls.set(slot(rank, sequence), call);
        posted.set(rank * COUNTER_STRIDE, sequence + 1);
        family.announce();
    }

    Call call(int rank, long sequence) {
        return calls.get(slot(rank, sequence));
    }

    private static int slot(int rank, long sequence) {
        return rank * DEPTH + (int) (sequence % DEPTH);
    }

    /** Says that rank has read what it needs of the others' call number {@code sequence}. */
    void finish(int rank, long sequence) {
        finished.set(rank * COUNTER_STRIDE, sequence + 1);
        family.announce();
    }

    /** Puts a rank back to where it began and forgets the family's failure. */
    void recover(int rank) {
        posted.set(rank * COUNTER_STRIDE, 0);
        finished.set(rank * COUNTER_STRIDE, 0);
        for (int i = 0; i < DEPTH; i++) {
            calls.set(rank * DEPTH + i, null);
        }
        children.clear();
        family.recover();
    }

    void leave(int rank) {
        closed.set(rank, 1);
        family.announce();
    }

    /** Waits until every rank has posted call {@code sequence}. */
    void awaitPosted(int rank, long sequence) {
        await(posted, rank, sequence, "join");
    }

    /** Waits until every rank has finished call {@code sequence}. */
    void awaitFinished(int rank, long sequence) {
        await(finished, rank, sequence, "finish");
    }

    /** Throws if the family, or {@code rank} itself, has been made to fail. */
    void check(int rank) {
        family.check();
        family.check(familyRanks.get(rank));
    }

    private void await(AtomicLongArray counters, int rank, long sequence, String verb) {
        check(rank);
        BooleanSupplier met = () -> missing(counters, sequence) < 0;
        if (met.getAsBoolean()) {
            return;
        }
        family.await(
                met,
                size,
                () -> gone(counters, rank, sequence, verb),
                () ->
                        "Rank %d did not %s %s within %s, where rank %d waits; look at what rank %1$d does, or raise the limit."
                                .formatted(
                                        missing(counters, sequence),
                                        verb,
                                        call(rank, sequence).signature(),
                                        family.limit(),
                                        rank));
    }

    /** Returns the first rank whose counter has not passed {@code sequence}, or −1. */
    private int missing(AtomicLongArray counters, long sequence) {
        for (int rank = 0; rank < size; rank++) {
            if (counters.get(rank * COUNTER_STRIDE) <= sequence) {
                return rank;
            }
        }
        return -1;
    }

    /** Says that a rank is gone; throws if one failed, since others may have left because of it. */
    private String gone(AtomicLongArray counters, int rank, long sequence, String verb) {
        String gone = left(counters, rank, sequence, verb);
        for (int other = 0; other < size; other++) {
            if (counters.get(other * COUNTER_STRIDE) <= sequence) {
                family.check(familyRanks.get(other));
            }
        }
        return gone;
    }

    private String left(AtomicLongArray counters, int rank, long sequence, String verb) {
        for (int other = 0; other < size; other++) {
            if (counters.get(other * COUNTER_STRIDE) > sequence) {
                continue;
            }
            Thread thread = owners.get(other);
            boolean dead = thread != null && !thread.isAlive();
            if (closed.get(other) != 0 || dead) {
                return "Rank %d will not %s %s, where rank %d waits: %s."
                        .formatted(
                                other,
                                verb,
                                call(rank, sequence).signature(),
                                rank,
                                dead ? "its thread has ended" : "it closed its communicator");
            }
        }
        return "";
    }

    /** Fails, on every rank alike, unless all ranks made the same call. */
    void checkAgreement(long sequence) {
        Call first = call(0, sequence);
        for (int rank = 1; rank < size; rank++) {
            Call other = call(rank, sequence);
            if (!Call.agree(first, other)) {
                CommException cause =
                        new CommException(
                                "Rank 0 calls %s, but rank %d calls %s; every rank must make the same calls in the same order."
                                        .formatted(first.signature(), rank, other.signature()));
                family.fail(cause);
                throw cause;
            }
        }
    }
}
