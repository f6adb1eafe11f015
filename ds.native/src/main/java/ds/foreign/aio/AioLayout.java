package ds.foreign.aio;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;

/** {@code struct iocb}, {@code struct io_event} and {@code struct timespec} of 64-bit Linux. */
final class AioLayout {
    /** A request. */
    static final StructLayout IOCB =
            MemoryLayout.structLayout(
                    JAVA_LONG.withName("aio_data"),
                    JAVA_INT.withName("aio_key"),
                    JAVA_INT.withName("aio_rw_flags"),
                    JAVA_SHORT.withName("aio_lio_opcode"),
                    JAVA_SHORT.withName("aio_reqprio"),
                    JAVA_INT.withName("aio_fildes"),
                    JAVA_LONG.withName("aio_buf"),
                    JAVA_LONG.withName("aio_nbytes"),
                    JAVA_LONG.withName("aio_offset"),
                    JAVA_LONG.withName("aio_reserved2"),
                    JAVA_INT.withName("aio_flags"),
                    JAVA_INT.withName("aio_resfd"));

    /** A result. */
    static final StructLayout EVENT =
            MemoryLayout.structLayout(
                    JAVA_LONG.withName("data"),
                    JAVA_LONG.withName("obj"),
                    JAVA_LONG.withName("res"),
                    JAVA_LONG.withName("res2"));

    static final long DATA = offset(IOCB, "aio_data");
    static final long OPCODE = offset(IOCB, "aio_lio_opcode");
    static final long FILE = offset(IOCB, "aio_fildes");
    static final long BUFFER = offset(IOCB, "aio_buf");
    static final long BYTES = offset(IOCB, "aio_nbytes");
    static final long OFFSET = offset(IOCB, "aio_offset");
    static final long EVENT_DATA = offset(EVENT, "data");
    static final long EVENT_RESULT = offset(EVENT, "res");

    private AioLayout() {}

    private static long offset(StructLayout layout, String field) {
        return layout.byteOffset(MemoryLayout.PathElement.groupElement(field));
    }
}
