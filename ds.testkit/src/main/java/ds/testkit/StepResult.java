package ds.testkit;

import ds.core.FlatBuffer;
import ds.optim.spi.StateSlot;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assertions;

/**
 * What steps wrote, to be held bit by bit against what others wrote.
 *
 * @param how it was stepped, for messages: {@code "1 worker"}
 * @param arrays weights, slots and copy
 */
record StepResult(String how, List<Written> arrays) {
    /**
     * One array.
     *
     * @param name for messages: {@code "the weights"}
     * @param values of all its elements
     */
    record Written(String name, float[] values) {
        static Written of(String name, FlatBuffer buffer) {
            return new Written(name, buffer.toFloats());
        }
    }

    StepResult {
        arrays = List.copyOf(arrays);
    }

    /** Copies what {@code run} has written so far. */
    static StepResult of(String how, OptimizerRun run) {
        List<Written> arrays = new ArrayList<>();
        arrays.add(Written.of("the weights", run.shard().master()));
        List<StateSlot> slots = run.slots();
        for (int i = 0; i < slots.size(); i++) {
            arrays.add(
                    Written.of(
                            "the slot '%s'".formatted(slots.get(i).name()),
                            run.shard().slots().get(i)));
        }
        run.shard().copyOut().ifPresent(c -> arrays.add(Written.of("the 16-bit copy", c)));
        return new StepResult(how, arrays);
    }

    /** Fails with the first element that has other bits in {@code other}, and why that matters. */
    void assertSame(StepResult other, String why) {
        difference(other).ifPresent(text -> Assertions.fail(text + " " + why));
    }

    /** Returns the first difference in a sentence; empty if every bit is the same. */
    Optional<String> difference(StepResult other) {
        for (int i = 0; i < arrays.size(); i++) {
            Optional<String> found =
                    difference(how + " against " + other.how, arrays.get(i), other.arrays.get(i));
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private static Optional<String> difference(String what, Written mine, Written others) {
        int first = -1;
        int count = 0;
        for (int i = 0; i < mine.values.length; i++) {
            if (bits(mine.values[i]) != bits(others.values[i])) {
                first = first < 0 ? i : first;
                count++;
            }
        }
        if (first < 0) {
            return Optional.empty();
        }
        float a = mine.values[first];
        float b = others.values[first];
        return Optional.of(
                "%s: element %d of %s is %s against %s (0x%08x, 0x%08x); %,d of %,d elements differ."
                        .formatted(
                                what,
                                first,
                                mine.name,
                                a,
                                b,
                                bits(a),
                                bits(b),
                                count,
                                mine.values.length));
    }

    private static int bits(float value) {
        return Float.floatToRawIntBits(value);
    }
}
