package ds.engine.plan;

import ds.core.HostMemories;
import ds.core.spi.HostMemoryProvider;
import ds.offload.RestingPlace;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** What of {@code pin_memory} this machine allows. */
final class LockChoice {
    private static final String SECTION = "/zero_optimization/";

    private LockChoice() {}

    /** Returns what to say where a run is to lock more than this process may. */
    static Optional<Decision> remark(TrainingPlan plan, ModuleLayer layer) {
        boolean pinned =
                Stream.of(
                                plan.zero().optimizer(),
                                plan.zero().parameters().place(),
                                plan.zero().gradients().place())
                        .anyMatch(RestingPlace::pinned);
        if (!pinned) {
            return Optional.empty();
        }
        long wanted = plan.lockedBytes();
        String pointer =
                SECTION
                        + (plan.zero().optimizer().pinned() ? "offload_optimizer" : "offload_param")
                        + "/pin_memory";
        HostMemoryProvider memory = HostMemories.best(layer);
        return remark(pointer, wanted, memory.lockableBytes(), memory.name());
    }

    static Optional<Decision> remark(
            String pointer, long wanted, OptionalLong limit, String provider) {
        if (limit.isEmpty() || wanted <= limit.getAsLong()) {
            return Optional.empty();
        }
        String text =
                limit.getAsLong() == 0
                        ? "is to lock %,d bytes, and host memory '%s' can lock none here; the run goes on without, to the same results. For locking allow it (ulimit -l) and run with module ds.foreign on Linux, else set pin_memory to false"
                                .formatted(wanted, provider)
                        : "is to lock %,d bytes over all ranks, and this process may lock %,d; what is beyond stays unlocked, to the same results. Raise the limit (ulimit -l, or LimitMEMLOCK of a systemd unit), lower buffer_count, or set pin_memory to false"
                                .formatted(wanted, limit.getAsLong());
        return Optional.of(new Decision(Decision.Kind.WARNING, pointer, text));
    }
}
