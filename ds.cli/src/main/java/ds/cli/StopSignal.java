package ds.cli;

import java.util.concurrent.CountDownLatch;

/**
 * SIGINT and SIGTERM while a run is under way: they ask it to stop after the step it is in. The
 * process ends, with status 130 or 143 by the JVM's own rule, once the run has closed this.
 */
final class StopSignal implements AutoCloseable {
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stop, "ds-stop");
    private volatile boolean requested;

    private StopSignal() {}

    /** Begins to listen. */
    static StopSignal listen() {
        StopSignal signal = new StopSignal();
        Runtime.getRuntime().addShutdownHook(signal.hook);
        return signal;
    }

    private void stop() {
        requested = true;
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns whether the run should end. */
    boolean isRequested() {
        return requested;
    }

    /** Says that the run has wound up. */
    @Override
    public void close() {
        closed.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            requested = true; // the process is ending already, because of the signal
        }
    }
}
