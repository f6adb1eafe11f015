package ds.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

/** A pool runs every part once, hands failures to the caller, and ends its threads. */
class WorkersTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @Test
    void everyPartRunsOnce() {
        try (Workers workers = new Workers("parts", 3)) {
            AtomicIntegerArray runs = new AtomicIntegerArray(1000);
            workers.run(1000, (worker, part) -> runs.incrementAndGet(part));
            for (int i = 0; i < 1000; i++) {
                assertEquals(1, runs.get(i), "part " + i);
            }
        }
    }

    @Test
    void aHundredThousandTinyRunsDoNotHang() {
        assertTimeoutPreemptively(
                LIMIT,
                () -> {
                    try (Workers workers = new Workers("tiny", 3)) {
                        AtomicInteger runs = new AtomicInteger();
                        for (int i = 0; i < 100_000; i++) {
                            workers.run(2, (worker, part) -> runs.incrementAndGet());
                        }
                        assertEquals(200_000, runs.get());
                    }
                });
    }

    @Test
    void parkedWorkersWakeUp() throws InterruptedException {
        try (Workers workers = new Workers("parked", 2)) {
            AtomicInteger both = new AtomicInteger();
            for (int i = 0; i < 5; i++) {
                Thread.sleep(20);
                // Each part waits for the other, so that one worker alone would never end.
                AtomicInteger arrived = new AtomicInteger();
                assertTimeoutPreemptively(
                        LIMIT,
                        () ->
                                workers.run(
                                        2,
                                        (worker, part) -> {
                                            arrived.incrementAndGet();
                                            while (arrived.get() < 2) {
                                                Thread.yield();
                                            }
                                            both.incrementAndGet();
                                        }));
            }
            assertEquals(10, both.get());
        }
    }

    @Test
    void aFailureReachesTheCallerAndThePoolStaysUsable() {
        try (Workers workers = new Workers("failing", 2)) {
            for (int round = 0; round < 100; round++) {
                IllegalStateException failure =
                        assertThrows(
                                IllegalStateException.class,
                                () ->
                                        workers.run(
                                                8,
                                                (worker, part) -> {
                                                    if (part == 5) {
                                                        throw new IllegalStateException("part 5");
                                                    }
                                                }));
                assertEquals("part 5", failure.getMessage());
            }
            AtomicInteger runs = new AtomicInteger();
            workers.run(8, (worker, part) -> runs.incrementAndGet());
            assertEquals(8, runs.get());
        }
    }

    @Test
    void closingEndsTheThreads() {
        Thread[] seen = new Thread[1];
        try (Workers workers = new Workers("ending", 2)) {
            AtomicInteger arrived = new AtomicInteger();
            workers.run(
                    2,
                    (worker, part) -> {
                        arrived.incrementAndGet();
                        while (arrived.get() < 2) {
                            Thread.yield();
                        }
                        if (worker == 1) {
                            seen[0] = Thread.currentThread();
                        }
                    });
        }
        assertEquals("ending-w1", seen[0].getName());
        assertTimeoutPreemptively(LIMIT, () -> seen[0].join());
        assertFalse(seen[0].isAlive());
    }

    @Test
    void aPoolWithoutWorkersIsRefused() {
        IllegalArgumentException failure =
                assertThrows(IllegalArgumentException.class, () -> new Workers("none", 0));
        assertEquals("A worker pool needs at least 1 worker, was 0.", failure.getMessage());
    }
}
