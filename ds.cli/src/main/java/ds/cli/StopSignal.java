package ds.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * SIGINT and SIGTERM: the first one asks the run to stop after the step it is in, and the process
 * ends (with status 130 or 143, by the JVM's own rule) once the run has wound up.
 */
final class StopSignal {
    private static final AtomicBoolean STOPPING = new AtomicBoolean();
    private static final CountDownLatch DONE = new CountDownLatch(1);

    private StopSignal() {}

    /** Begins to listen. */
    static void listen() {
        Runtime.getRuntime()
                .addShutdownHook(
                        new Thread(
                                () -> {
                                    STOPPING.set(true);
                                    awaitDone();
                                },
                                "ds-stop"));
    }

    private static void awaitDone() {
        try {
            DONE.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns whether the run should end. */
    static boolean isRequested() {
        return STOPPING.get();
    }

    /** Says that the run has wound up. */
    static void done() {
        DONE.countDown();
    }
}
