package ds.cli;

import ds.offload.StorageException;
import ds.offload.Transfers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What an offloaded step takes, and its parts by themselves, measured in turn. */
final class OffloadTimes {
    /** What is measured in each round. */
    enum Work {
        /** The step, until all it wrote is with the operating system. */
        STEP,
        /** Its commit. */
        COMMIT,
        /** The same reads and writes, and nothing else. */
        TRANSFERS,
        /** Their sync. */
        SYNC,
        /** The same arithmetic and checksums, and nothing else. */
        ARITHMETIC,
        /** Both at once, on threads that do not wait for each other. */
        TOGETHER,
        /** The arithmetic without checksums. */
        UNCHECKED,
        /** The checksums without arithmetic. */
        CHECKSUMS;

        /** Returns its name in a document. */
        String key() {
            return name().toLowerCase(Locale.ROOT) + "_seconds";
        }
    }

    private final OffloadedStep step;
    private final ChunkTransfers transfers;
    private final ChunkArithmetic arithmetic;
    private final long[][] nanos;
    private Transfers moved = Transfers.NONE;
    private int rounds;

    /** Measures nothing yet. */
    OffloadTimes(
            OffloadedStep step, ChunkTransfers transfers, ChunkArithmetic arithmetic, int rounds) {
        this.step = step;
        this.transfers = transfers;
        this.arithmetic = arithmetic;
        this.nanos = new long[Work.values().length][rounds];
    }

    /** Runs everything until the compiler rests, then all rounds. */
    void measure(double warmUpSeconds) {
        List<Runnable> works = new ArrayList<>();
        works.add(
                () -> {
                    step.step();
                    step.commit();
                });
        works.add(
                () -> {
                    transfers.pass();
                    transfers.sync();
                });
        works.add(() -> arithmetic.pass(true, true));
        works.add(this::together);
        works.add(() -> arithmetic.pass(true, false));
        works.add(() -> arithmetic.pass(false, true));
        Bench.settle(warmUpSeconds, works);
        List<Runnable> measured =
                List.of(
                        this::measureStep,
                        this::measureTransfers,
                        () -> time(Work.ARITHMETIC, () -> arithmetic.pass(true, true)),
                        () -> time(Work.TOGETHER, this::together),
                        () -> time(Work.UNCHECKED, () -> arithmetic.pass(true, false)),
                        () -> time(Work.CHECKSUMS, () -> arithmetic.pass(false, true)));
        for (rounds = 0; rounds < nanos[0].length; rounds++) {
            for (int turn = 0; turn < measured.size(); turn++) {
                measured.get((rounds + turn) % measured.size()).run(); // other caches each time
            }
        }
    }

    private void measureStep() {
        Transfers before = step.transfers();
        time(Work.STEP, step::step);
        moved = moved.plus(step.transfers().since(before));
        time(Work.COMMIT, step::commit);
    }

    private void measureTransfers() {
        time(Work.TRANSFERS, transfers::pass);
        time(Work.SYNC, transfers::sync);
    }

    /** Runs transfers and arithmetic as if neither needed the other. */
    private void together() {
        FutureTask<@Nullable Void> moving = new FutureTask<>(transfers::pass, null);
        Thread.ofPlatform().name("ds-bench-transfers").start(moving);
        arithmetic.pass(true, true);
        try {
            moving.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException("The measurement was interrupted.", e);
        } catch (ExecutionException e) {
            throw new StorageException("The transfers failed: " + e.getCause(), e);
        }
    }

    private void time(Work work, Runnable run) {
        nanos[work.ordinal()][rounds] = Bench.nanos(run);
    }

    private long median(Work work) {
        return Bench.median(nanos[work.ordinal()]);
    }

    /** Returns the middle time of all rounds. */
    double seconds(Work work) {
        return median(work) / 1e9;
    }

    /** Returns the middle time of one of them over that of the step. */
    double share(Work work) {
        return (double) median(work) / median(Work.STEP);
    }

    /** Returns how many rounds were measured. */
    int rounds() {
        return rounds;
    }

    /** Returns the step's time over the longer of transfers and arithmetic by themselves. */
    double ratio() {
        return (double) median(Work.STEP)
                / Math.max(median(Work.TRANSFERS), median(Work.ARITHMETIC));
    }

    /** Returns the step's time over that of transfers and arithmetic at once. */
    double ratioToTogether() {
        return (double) median(Work.STEP) / median(Work.TOGETHER);
    }

    /** As {@link #ratio}, with the commit and the sync. */
    double durableRatio() {
        return (double) (median(Work.STEP) + median(Work.COMMIT))
                / Math.max(median(Work.TRANSFERS) + median(Work.SYNC), median(Work.ARITHMETIC));
    }

    /** Returns {@link #ratio} of each round by itself, in order of size. */
    double[] ratios() {
        return IntStream.range(0, rounds)
                .mapToDouble(
                        round ->
                                (double) nanos[Work.STEP.ordinal()][round]
                                        / Math.max(
                                                nanos[Work.TRANSFERS.ordinal()][round],
                                                nanos[Work.ARITHMETIC.ordinal()][round]))
                .sorted()
                .toArray();
    }

    /** Returns what all measured steps moved. */
    Transfers moved() {
        return moved;
    }

    /** Returns the share of the pipeline's transfers that the steps did not wait for, 0 to 1. */
    double overlap() {
        return moved.overlap().orElse(0);
    }

    /** Returns the share of the steps' time in which they waited for the pipeline. */
    double stallShare() {
        long steps = 0;
        for (long each : nanos[Work.STEP.ordinal()]) {
            steps += each;
        }
        return (double) moved.pipelineStallNanos() / steps;
    }
}
