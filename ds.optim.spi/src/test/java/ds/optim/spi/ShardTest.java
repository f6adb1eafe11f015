package ds.optim.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.DType;
import ds.core.FlatBuffer;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A shard whose arrays do not belong together cannot exist. */
class ShardTest {
    private static final FlatBuffer THREE = FlatBuffer.ofFloats(1, 2, 3);
    private static final FlatBuffer TWO = FlatBuffer.ofFloats(1, 2);

    @Test
    void aGradientOfAnotherLengthIsRefused() {
        assertEquals(
                "The gradient of a shard of 3 elements must be as many fp32, was 2 fp32.",
                refusal(TWO, List.of(THREE), Optional.empty()));
    }

    @Test
    void aSlotOfAnotherTypeIsRefused() {
        assertEquals(
                "The slot of a shard of 3 elements must be as many fp32, was 3 bf16.",
                refusal(THREE, List.of(THREE, halves(3)), Optional.empty()));
    }

    @Test
    void aCopyThatIsNotSixteenBitOrAsLongIsRefused() {
        assertEquals(
                "The copy of a shard of 3 elements must be as many of 16 bits, was 3 fp32.",
                refusal(THREE, List.of(), Optional.of(THREE)));
        assertEquals(
                "The copy of a shard of 3 elements must be as many of 16 bits, was 2 bf16.",
                refusal(THREE, List.of(), Optional.of(halves(2))));
    }

    private static String refusal(
            FlatBuffer gradient, List<FlatBuffer> slots, Optional<FlatBuffer> copy) {
        return assertThrows(
                        IllegalArgumentException.class,
                        () -> new Shard(THREE, gradient, slots, List.of(), copy))
                .getMessage();
    }

    private static FlatBuffer halves(long length) {
        return FlatBuffer.of(MemorySegment.ofArray(new short[(int) length]), DType.BF16);
    }
}
