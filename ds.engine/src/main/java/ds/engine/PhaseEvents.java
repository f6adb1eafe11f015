package ds.engine;

import ds.zero.PhaseClock;
import java.util.Locale;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

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
    }

    private final int rank;
    private Phase event = new Phase();

    PhaseEvents(int rank) {
        this.rank = rank;
        event.begin();
    }

    @Override
    public void changed(PhaseClock.Phase ended) {
        event.end();
        if (event.shouldCommit()) {
            event.rank = rank;
            event.phase = ended.name().toLowerCase(Locale.ROOT);
            event.commit();
        }
        event = new Phase(); // committed events are not written to again
        event.begin();
    }
}
