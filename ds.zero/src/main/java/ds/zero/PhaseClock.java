package ds.zero;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Where the time of a step goes. At each moment exactly one phase runs, so the phases add up to the
 * wall time. Owned by the rank's thread.
 */
public final class PhaseClock {
    /** What a rank is doing. */
    public enum Phase {
        /** The model's forward passes, without gathering. */
        FORWARD,
        /** The model's backward passes, without gathering and exchanging. */
        BACKWARD,
        /** Collecting sharded units. */
        GATHER,
        /** Exchanging and folding contributions. */
        EXCHANGE,
        /** The boundary's exchange of norm, overflow and losses. */
        NORM,
        /** The optimizer. */
        STEP,
        /** Handing out new parameters. */
        PUBLISH,
        /** Waiting for storage while gathering, stepping or publishing. */
        IO_WAIT,
        /** Everything else: reading samples, and a caller's own work between the three calls. */
        OTHER
    }

    /** Is told of each change. */
    @FunctionalInterface
    public interface Listener {
        /** Called when {@code ended} has ended and another phase begins. */
        void changed(Phase ended);
    }

    private final LongSupplier nanoTime;
    private final long[] nanos = new long[Phase.values().length];
    private Listener listener = _ -> {};
    private Phase running = Phase.OTHER;
    private long since;

    /**
     * Creates a clock.
     *
     * @param nanoTime the time; {@code System::nanoTime} but in tests
     */
    public PhaseClock(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.since = nanoTime.getAsLong();
    }

    /** Makes {@code newListener} hear of each change. */
    public void listener(Listener newListener) {
        listener = newListener;
    }

    /** Begins a step: nothing has taken any time. */
    public void begin() {
        turn(Phase.OTHER);
        Arrays.fill(nanos, 0);
    }

    /** Begins {@code next}, ends the running phase and returns it, to go back to. */
    public Phase turn(Phase next) {
        Phase ended = running;
        count();
        running = next;
        if (next != ended) {
            listener.changed(ended);
        }
        return ended;
    }

    /** Says that the running phase has spent {@code waited} nanoseconds waiting for storage. */
    void waited(long waited) {
        count();
        long part = Math.min(waited, nanos[running.ordinal()]);
        nanos[running.ordinal()] -= part;
        nanos[Phase.IO_WAIT.ordinal()] += part;
    }

    private void count() {
        long now = nanoTime.getAsLong();
        nanos[running.ordinal()] += now - since;
        since = now;
    }

    /** Returns the nanoseconds of each phase since {@link #begin}: their sum is the wall time. */
    public Map<Phase, Long> times() {
        count();
        Map<Phase, Long> times = new EnumMap<>(Phase.class);
        for (Phase phase : Phase.values()) {
            times.put(phase, nanos[phase.ordinal()]);
        }
        return Collections.unmodifiableMap(times);
    }
}
