package ds.foreign.uring;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.util.Map;

/** The structures that the layout test compares. */
public final class UringStructures {
    /** By their C names. */
    public static final Map<String, StructLayout> ALL =
            Map.of(
                    "struct io_uring_params", UringLayout.PARAMS,
                    "struct io_sqring_offsets", member("sq_off"),
                    "struct io_cqring_offsets", member("cq_off"),
                    "struct io_uring_sqe", UringLayout.SQE,
                    "struct io_uring_cqe", UringLayout.CQE,
                    "struct io_uring_getevents_arg", UringLayout.GETEVENTS,
                    "struct iovec", UringLayout.IOVEC);

    private UringStructures() {}

    private static StructLayout member(String name) {
        return (StructLayout)
                UringLayout.PARAMS.select(MemoryLayout.PathElement.groupElement(name));
    }
}
