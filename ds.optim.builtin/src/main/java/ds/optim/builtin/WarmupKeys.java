package ds.optim.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.util.List;

/** The parameters that the warm-up schedules share: DeepSpeed's names, defaults and meaning. */
final class WarmupKeys {
    private static final String LOG = "log";
    private static final long STEPS = 1000;
    private static final long START = -1;

    private WarmupKeys() {}

    /** Returns the shared keys; {@code maxLr} is the one whose default differs. */
    static List<KeyDeclaration> with(KeyDeclaration maxLr) {
        return List.of(
                KeyDeclaration.number("warmup_min_lr", 0)
                        .doc("Learning rate at the start of the warm-up."),
                maxLr.doc("Learning rate at the end of the warm-up."),
                KeyDeclaration.integer("warmup_num_steps", STEPS)
                        .atLeast(1)
                        .in("steps")
                        .doc("Length of the warm-up; 1 means 2."),
                KeyDeclaration.choice("warmup_type", LOG, List.of(LOG, "linear"))
                        .doc("How the learning rate grows."),
                KeyDeclaration.integer("last_batch_iteration", START)
                        .atLeast(START)
                        .doc("Iteration that a run continued by hand starts from."));
    }

    /** Creates the schedule from checked settings. */
    static Warmup create(Settings params, double maxLr, Warmup.Tail tail) {
        return new Warmup(
                params.doubleOr("warmup_min_lr", 0),
                params.doubleOr("warmup_max_lr", maxLr),
                params.longOr("warmup_num_steps", STEPS),
                params.stringOr("warmup_type", LOG).equals(LOG),
                params.longOr("last_batch_iteration", START),
                tail);
    }
}
