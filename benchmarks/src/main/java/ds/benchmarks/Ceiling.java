package ds.benchmarks;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What the machine itself can do, measured between the invocations of a benchmark: rivals take turns,
 * one before each invocation, so that a disturbance meets work and ceiling alike. The public methods
 * become counters of each iteration.
 */
@AuxCounters(AuxCounters.Type.EVENTS)
@State(Scope.Thread)
public class Ceiling {
    /** Counter: floating-point operations or bytes of one invocation of the measured work. */
    static final String UNITS = "units";

    /** Counter: nanoseconds in which the best run of the best rival does as many units. */
    static final String BEST = "ceilingBestNanos";

    /** Counter: nanoseconds in which the rival with the best median does as many units. */
    static final String MEDIAN = "ceilingMedianNanos";

    /** Counter: 1 if the compiler came to rest before anything was measured, else 0. */
    static final String WARM = "warm";

    /**
     * The system property that says for how many milliseconds the compiler has to be nearly idle
     * before anything is measured; 0 for a test that looks at no time.
     */
    static final String WINDOW_MILLIS = "ds.benchmarks.windowMillis";

    private static final int WINDOW_MILLIS_DEFAULT = 1_000;

    /** The share of a window that the compiler may work in it. */
    private static final double COMPILING = 0.25;

    private static final long WARM_UP_LIMIT_NANOS = 15_000_000_000L;
    private static final double IMPROVEMENT = 0.9;

    private final List<Rival> rivals = new ArrayList<>();
    private double units;
    private int turn;
    private boolean warm;

    /** Nothing competes yet. */
    public Ceiling() {}

    private static final class Rival {
        private final double units;
        private final Runnable work;
        private long[] nanos = new long[64];
        private int count;

        Rival(double units, Runnable work) {
            this.units = units;
            this.work = work;
        }

        void run() {
            long start = System.nanoTime();
            work.run();
            long taken = System.nanoTime() - start;
            if (count == nanos.length) {
                nanos = Arrays.copyOf(nanos, 2 * count);
            }
            nanos[count++] = taken;
        }

        /** Returns nanoseconds per unit at {@code quantile}, infinite if it never had a turn. */
        double nanosPerUnit(double quantile) {
            if (count == 0) {
                return Double.POSITIVE_INFINITY;
            }
            long[] sorted = Arrays.copyOf(nanos, count);
            Arrays.sort(sorted);
            return sorted[(int) ((count - 1) * quantile)] / units;
        }
    }

    /** Says how many floating-point operations or bytes one invocation of the measured work takes. */
    void measures(double unitsOfWork) {
        units = unitsOfWork;
    }

    /** Adds a rival that does {@code unitsOfRival} of the same unit per run. */
    void add(double unitsOfRival, Runnable work) {
        rivals.add(new Rival(unitsOfRival, work));
    }

    /** Runs the rival whose turn it is. */
    void next() {
        rivals.get(turn++ % rivals.size()).run();
    }

    /**
     * Runs {@code work} and the rivals in turn until a while has passed in which hardly anything was
     * compiled and no run was much faster than all before; on a busy machine compilation may need
     * many seconds.
     */
    void warmUp(Runnable work) {
        long windowMillis = Integer.getInteger(WINDOW_MILLIS, WINDOW_MILLIS_DEFAULT);
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        long start = System.nanoTime();
        long best = Long.MAX_VALUE;
        do {
            long compiledMillis = compiler.getTotalCompilationTime();
            long before = best;
            best = Math.min(best, window(work, 1_000_000 * windowMillis));
            compiledMillis = compiler.getTotalCompilationTime() - compiledMillis;
            warm = compiledMillis <= COMPILING * windowMillis && best > IMPROVEMENT * before;
        } while (!warm && windowMillis > 0 && System.nanoTime() - start < WARM_UP_LIMIT_NANOS);
    }

    /** Returns the least nanoseconds of one run. */
    private long window(Runnable work, long nanos) {
        long start = System.nanoTime();
        long best = Long.MAX_VALUE;
        do {
            next();
            long began = System.nanoTime();
            work.run();
            best = Math.min(best, System.nanoTime() - began);
        } while (System.nanoTime() - start < nanos);
        return best;
    }

    /** Forgets what earlier iterations measured. */
    @Setup(Level.Iteration)
    public void clear() {
        rivals.forEach(rival -> rival.count = 0);
    }

    /** Counter {@value #WARM}. */
    public int warm() {
        return warm ? 1 : 0;
    }

    /** Counter {@value #UNITS}. */
    public double units() {
        return units;
    }

    /** Counter {@value #BEST}. */
    public double ceilingBestNanos() {
        return least(0);
    }

    /** Counter {@value #MEDIAN}. */
    public double ceilingMedianNanos() {
        return least(0.5);
    }

    private double least(double quantile) {
        return units
                * rivals.stream()
                        .mapToDouble(rival -> rival.nanosPerUnit(quantile))
                        .min()
                        .orElse(Double.NaN);
    }
}
