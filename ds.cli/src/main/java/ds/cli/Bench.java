package ds.cli;

import ds.core.ProviderException;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;

/** How the benchmarks measure: repeated, interleaved by the caller. */
final class Bench {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final int SETTLED_SECONDS = 15;

    /** The share of a window that the compiler may work in it. */
    private static final double COMPILING = 0.1;

    private static final double IMPROVEMENT = 0.95;

    /** So many times the rival's time is no compiled code. */
    private static final int UNCOMPILED = 3;

    private Bench() {}

    /** Returns the host's kernels. */
    static Kernels kernels(Workers workers) {
        return KernelsProviders.host(workers);
    }

    /**
     * Returns the kernels of that name.
     *
     * @throws UserMistakeException if there are none, or they cannot run here
     */
    static Kernels kernels(String name, Workers workers) {
        try {
            return KernelsProviders.in(ModuleLayer.boot()).require(name).create(workers);
        } catch (ProviderException e) {
            throw new UserMistakeException(String.valueOf(e.getMessage()));
        }
    }

    /** Runs {@code work} until the just-in-time compiler has had its time. */
    static void warmUp(double seconds, Runnable work) {
        long start = System.nanoTime();
        do {
            work.run();
        } while (System.nanoTime() - start < seconds * NANOS_PER_SECOND);
    }

    /**
     * Runs all {@code works} in turn, for windows of {@code seconds}, until hardly anything was
     * compiled in one and the first work was not much faster than in all before it, nor takes several
     * times as long as the second, its rival: a long compilation is seen only when it is done. At most
     * {@value #SETTLED_SECONDS} s, or one window if that is longer. With 0 seconds, one round.
     */
    static void settle(double seconds, List<Runnable> works) {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        long start = System.nanoTime();
        long[] best = new long[works.size()];
        Arrays.fill(best, Long.MAX_VALUE);
        boolean settled;
        do {
            long compiled = compiler.getTotalCompilationTime();
            long window = System.nanoTime();
            long before = best[0];
            do {
                for (int i = 0; i < best.length; i++) {
                    best[i] = Math.min(best[i], nanos(works.get(i)));
                }
            } while (System.nanoTime() - window < seconds * NANOS_PER_SECOND);
            double millis = (System.nanoTime() - window) / 1e6;
            settled =
                    compiler.getTotalCompilationTime() - compiled <= COMPILING * millis
                            && best[0] > IMPROVEMENT * before
                            && best[0] < UNCOMPILED * best[1];
        } while (!settled
                && seconds > 0
                && System.nanoTime() - start < SETTLED_SECONDS * NANOS_PER_SECOND);
    }

    /** Returns the nanoseconds of one call. */
    static long nanos(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return System.nanoTime() - start;
    }

    /** Returns the middle value. */
    static long median(long[] values) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Returns the least value. */
    static long best(long[] values) {
        return Arrays.stream(values).min().orElseThrow();
    }
}
