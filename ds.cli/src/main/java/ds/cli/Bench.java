package ds.cli;

import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import java.util.Arrays;

/** How the benchmarks measure: repeated, interleaved by the caller. */
final class Bench {
    private Bench() {}

    /** Returns the host's kernels. */
    static Kernels kernels(Workers workers) {
        return KernelsProviders.in(ModuleLayer.boot())
                .require(KernelsProviders.HOST)
                .create(workers);
    }

    /** Runs {@code work} until the just-in-time compiler has had its time. */
    static void warmUp(double seconds, Runnable work) {
        long start = System.nanoTime();
        do {
            work.run();
        } while (System.nanoTime() - start < seconds * 1e9);
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
