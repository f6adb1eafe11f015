package ds.zero;

import ds.core.DType;
import ds.offload.StateCoding;
import ds.offload.spi.StateCodec;
import ds.optim.spi.StateSlot;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * In which types masters and optimizer slots rest. A step always sees fp32; what rests in 16 bits is
 * widened before it and rounded after it.
 *
 * @param masters fp32, or the type of the working parameters, which are then the masters themselves
 * @param slots fp32 or 16-bit
 * @param codec what encodes slots where they rest; empty if nothing does, which it must be unless slots
 *     are fp32
 * @param stochastic whether masters are rounded stochastically instead of to nearest even; bf16 only
 */
public record StateStorage(
        DType masters, DType slots, Optional<StateCodec> codec, boolean stochastic) {
    /** Everything in fp32. */
    public static final StateStorage FP32 =
            new StateStorage(DType.FP32, DType.FP32, Optional.empty(), false);

    /** Checks that what is rounded stochastically is bf16, and what is encoded fp32. */
    public StateStorage {
        if (stochastic && masters != DType.BF16) {
            throw new IllegalArgumentException(
                    "Stochastic rounding needs bf16 masters, was asked for with %s."
                            .formatted(masters.jsonName()));
        }
        if (codec.isPresent() && slots != DType.FP32) {
            throw new IllegalArgumentException(
                    "The codec '%s' encodes fp32 slots, was asked for with %s."
                            .formatted(codec.get().name(), slots.jsonName()));
        }
    }

    /** Creates storage without a codec. */
    public StateStorage(DType masters, DType slots, boolean stochastic) {
        this(masters, slots, Optional.empty(), stochastic);
    }

    /** Returns this storage with slots encoded by {@code codec}, if any. */
    public StateStorage encoded(Optional<StateCodec> by) {
        return new StateStorage(masters, slots, by, stochastic);
    }

    /** Returns the bytes that {@code elements} of one slot take at rest, without padding. */
    public long slotBytes(StateSlot slot, long elements) {
        return codec.filter(_ -> slot.values() != StateSlot.Values.EXACT)
                .map(by -> elements / StateCodec.GRANULE_ELEMENTS * by.granuleBytes())
                .orElseGet(() -> slots.bytesOf(elements));
    }

    /** Returns how a store encodes its arrays. */
    StateCoding coding(boolean masterStored, List<StateSlot> stored) {
        if (codec.isEmpty()) {
            return StateCoding.NONE;
        }
        List<Optional<StateCodec.Values>> values = new ArrayList<>();
        if (masterStored) {
            values.add(Optional.empty());
        }
        stored.forEach(slot -> values.add(values(slot)));
        return StateCoding.of(codec.get(), values);
    }

    private static Optional<StateCodec.Values> values(StateSlot slot) {
        return switch (slot.values()) {
            case SIGNED -> Optional.of(StateCodec.Values.SIGNED);
            case NON_NEGATIVE -> Optional.of(StateCodec.Values.NON_NEGATIVE);
            case EXACT -> Optional.empty();
        };
    }

    /** Returns whether the working parameters are the masters, in 16 bits. */
    public boolean mastersAreNarrow() {
        return masters != DType.FP32;
    }
}
