package ds.optim.spi;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.core.spi.NamedProvider;
import java.util.List;

/** Makes schedules by name: what {@code "scheduler": {"type": ...}} says. */
public interface ScheduleProvider extends NamedProvider {
    /** Returns the settings of {@code params}, with their defaults. */
    List<KeyDeclaration> settings();

    /**
     * Creates the schedule.
     *
     * @param params checked against {@link #settings}, defaults filled in
     * @param base the optimizer's own hyper-parameters, for defaults that follow them
     * @throws IllegalArgumentException if settings contradict one another; the message is one
     *     sentence for the author of the document
     */
    Schedule create(Settings params, Hyper base);
}
