package ds.foreign.aio;

import java.lang.foreign.StructLayout;
import java.util.Map;

/** The structures that the layout test compares. */
public final class AioStructures {
    /** By their C names. */
    public static final Map<String, StructLayout> ALL =
            Map.of("struct iocb", AioLayout.IOCB, "struct io_event", AioLayout.EVENT);

    private AioStructures() {}
}
