package ds.kernels.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels.AttentionShape;
import ds.kernels.Workers;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention token by token, with what was kept, has the bits of attention over the whole sequence. */
class CachedAttentionTest {
    private static final int CAPACITY = 90;

    private record Case(DType type, int heads, int headWidth, int workers, int... counts) {}

    static Stream<Case> cases() {
        return Arrays.stream(DType.values())
                .flatMap(
                        type ->
                                Stream.of(
                                        new Case(type, 3, 20, 1, ones(75)),
                                        new Case(type, 2, 32, 2, 37, 1, 1, 30, 1, 8),
                                        new Case(type, 1, 8, 1, 16, 16, 1, 57),
                                        new Case(type, 5, 7, 3, 90)));
    }

    private static int[] ones(int count) {
        int[] ones = new int[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void hasTheBitsOfTheWholeSequence(Case c) {
        int tokens = Arrays.stream(c.counts()).sum();
        AttentionShape whole = new AttentionShape(1, tokens, c.heads(), c.headWidth());
        int width = whole.width();
        FlatBuffer qkv = Buffers.normal(c.type(), 3L * tokens * width, 1);
        FlatBuffer expected = Buffers.zeros(c.type(), (long) tokens * width);
        FlatBuffer actual = Buffers.zeros(c.type(), (long) tokens * width);
        try (Workers workers = new Workers("test", c.workers())) {
            HostKernels kernels = new HostKernels(workers, Lanes.best());
            FlatBuffer statistics = Buffers.zeros(DType.FP32, (long) tokens * c.heads());
            kernels.causalAttention(whole, qkv, expected, statistics);
            FlatBuffer cache = rubbish(c.type(), kernels.attentionCacheElements(whole, CAPACITY));
            int past = 0;
            for (int count : c.counts()) {
                kernels.cachedAttention(
                        new AttentionShape(1, count, c.heads(), c.headWidth()),
                        past,
                        CAPACITY,
                        qkv.slice(3L * past * width, 3L * count * width),
                        cache,
                        actual.slice((long) past * width, (long) count * width));
                past += count;
            }
        }
        assertArrayEquals(Buffers.bytes(expected), Buffers.bytes(actual));
    }

    /** What nobody has written counts for nothing. */
    private static FlatBuffer rubbish(DType type, long elements) {
        FlatBuffer buffer = Buffers.zeros(type, elements);
        for (long i = 0; i < elements; i++) {
            buffer.set(i, Float.NaN);
        }
        return buffer;
    }

    @Test
    void refusesMoreTokensThanFit() {
        try (Workers workers = new Workers("test", 1)) {
            HostKernels kernels = new HostKernels(workers, Lanes.best());
            AttentionShape shape = new AttentionShape(1, 2, 1, 8);
            FlatBuffer cache = Buffers.zeros(DType.FP32, kernels.attentionCacheElements(shape, 5));
            var failure =
                    assertThrows(
                            IllegalArgumentException.class,
                            () ->
                                    kernels.cachedAttention(
                                            shape,
                                            4,
                                            5,
                                            Buffers.zeros(DType.FP32, 48),
                                            cache,
                                            Buffers.zeros(DType.FP32, 16)));
            assertEquals(
                    "1 sequences of 2 tokens after 4 do not fit a cache of one sequence of 5.",
                    failure.getMessage());
        }
    }
}
