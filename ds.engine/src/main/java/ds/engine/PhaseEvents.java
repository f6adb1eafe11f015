package ds.engine;

import ds.offload.Transfers;
import ds.zero.PhaseClock;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** Writes each phase of one rank into a flight recording, if one runs. Owned by the rank's thread. */
final class PhaseEvents implements PhaseClock.Listener {
    /** One phase, from its begin to the next one's. */
    @Name("ds.Phase")
    @Label("Phase of a Step")
    @Description("What a rank did, without what other phases interrupted it for")
    @Category("DeepSpeed")
    @StackTrace(false)
    static final class Phase extends Event {
        @Label("Rank")
        int rank;

        @Label("Phase")
        String phase = "";

        @Label("Bytes Read")
        @Description("From the rank's files on NVMe")
        @DataAmount
        long readBytes;

        @Label("Bytes Written")
        @Description("To the rank's files on NVMe, without journals")
        @DataAmount
        long writtenBytes;

        @Label("Wait")
        @Description("For these files")
        @Timespan
        long waitNanos;
    }

    private final int rank;
    private final Supplier<Transfers> moved;
    private final LongSupplier waited;

    /** The phase under way, if a recording ran when it began. */
    private @Nullable Phase event;

    private Transfers movedBefore = Transfers.NONE;
    private long waitedBefore;

    PhaseEvents(int rank, Supplier<Transfers> moved, LongSupplier waited) {
        this.rank = rank;
        this.moved = moved;
        this.waited = waited;
        begin();
    }

    private void begin() {
        event = null;
        // The first event starts the whole recorder, which a run that records nothing need not wait
        // for.
        if (!FlightRecorder.isInitialized()) {
            return;
        }
        Phase begun = new Phase(); // committed events are not written to again
        if (begun.isEnabled()) {
            movedBefore = moved.get();
            waitedBefore = waited.getAsLong();
            begun.begin();
            event = begun;
        }
    }

    @Override
    public void changed(PhaseClock.Phase ended) {
        if (event != null) {
            event.end();
            if (event.shouldCommit()) {
                Transfers since = moved.get().since(movedBefore);
                event.rank = rank;
                event.phase = ended.name().toLowerCase(Locale.ROOT);
                event.readBytes = since.readBytes();
                event.writtenBytes = since.writtenBytes();
                event.waitNanos = waited.getAsLong() - waitedBefore;
                event.commit();
            }
        }
        begin();
    }
}
