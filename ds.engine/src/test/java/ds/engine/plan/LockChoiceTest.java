package ds.engine.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** A plan says where {@code pin_memory} asks for more than the process may lock. */
class LockChoiceTest {
    private static final String POINTER = "/zero_optimization/offload_optimizer/pin_memory";

    private static Optional<String> said(long wanted, OptionalLong limit, String provider) {
        return LockChoice.remark(POINTER, wanted, limit, provider).map(Decision::text);
    }

    @Test
    void whatFitsIsNotRemarkedOn() {
        assertEquals(Optional.empty(), said(8 << 20, OptionalLong.of(8 << 20), "libc"));
        assertEquals(Optional.empty(), said(1L << 40, OptionalLong.empty(), "libc"));
    }

    @Test
    void whatIsBeyondTheLimitIsSaidWithTheWayOut() {
        assertEquals(
                Optional.of(
                        "is to lock 8,388,609 bytes over all ranks, and this process may lock 8,388,608; what is beyond stays unlocked, to the same results. Raise the limit (ulimit -l, or LimitMEMLOCK of a systemd unit), lower buffer_count, or set pin_memory to false"),
                said(8_388_609, OptionalLong.of(8 << 20), "libc"));
    }

    @Test
    void memoryThatCannotBeLockedAtAllIsSaidSo() {
        assertEquals(
                Optional.of(
                        "is to lock 4,096 bytes, and host memory 'portable' can lock none here; the run goes on without, to the same results. For locking allow it (ulimit -l) and run with module ds.foreign on Linux, else set pin_memory to false"),
                said(4096, OptionalLong.of(0), "portable"));
    }
}
