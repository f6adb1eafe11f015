package ds.zero;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.zero.PhaseClock.Phase;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The phases of a step add up to its wall time, whatever interrupts what. */
class PhaseClockTest {
    private long now = 1_000;
    private final PhaseClock clock = new PhaseClock(() -> now);

    private static Map<Phase, Long> times(Object... pairs) {
        Map<Phase, Long> times = new EnumMap<>(Phase.class);
        for (Phase phase : Phase.values()) {
            times.put(phase, 0L);
        }
        for (int i = 0; i < pairs.length; i += 2) {
            times.put((Phase) pairs[i], ((Integer) pairs[i + 1]).longValue());
        }
        return times;
    }

    private void work(Phase phase, Runnable inside) {
        Phase before = clock.turn(phase);
        inside.run();
        clock.turn(before);
    }

    @Test
    void aPhaseDoesNotCountWhatInterruptsIt() {
        now += 77; // before the step
        clock.begin();
        now += 1;
        work(
                Phase.FORWARD,
                () -> {
                    now += 10;
                    work(
                            Phase.GATHER,
                            () -> {
                                now += 5;
                                clock.waited(3);
                            });
                    now += 20;
                });
        now += 2;
        work(Phase.STEP, () -> now += 40);
        assertEquals(
                times(
                        Phase.OTHER,
                        3,
                        Phase.FORWARD,
                        30,
                        Phase.GATHER,
                        2,
                        Phase.IO_WAIT,
                        3,
                        Phase.STEP,
                        40),
                clock.times());
    }

    @Test
    void aPhaseWaitsNoLongerThanItRuns() {
        clock.begin();
        work(
                Phase.STEP,
                () -> {
                    now += 10;
                    clock.waited(12);
                });
        assertEquals(times(Phase.IO_WAIT, 10), clock.times());
    }

    @Test
    void theSumIsTheWallTime() {
        Random random = new Random(5);
        for (int step = 0; step < 100; step++) {
            clock.begin();
            long began = now;
            for (int i = 0; i < 50; i++) {
                clock.turn(Phase.values()[random.nextInt(Phase.values().length)]);
                now += random.nextInt(1_000);
                if (random.nextInt(4) == 0) {
                    clock.waited(random.nextInt(1_000));
                }
            }
            long sum = clock.times().values().stream().mapToLong(Long::longValue).sum();
            assertEquals(now - began, sum);
        }
    }

    @Test
    void aListenerHearsOfEachChangeOnce() {
        List<Phase> ended = new ArrayList<>();
        clock.listener(ended::add);
        clock.begin();
        work(Phase.BACKWARD, () -> work(Phase.EXCHANGE, () -> now += 1));
        assertEquals(List.of(Phase.OTHER, Phase.BACKWARD, Phase.EXCHANGE, Phase.BACKWARD), ended);
    }
}
