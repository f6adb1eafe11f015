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
                steps(),
                shape(),
                start());
    }

    /** Returns the declaration of the warm-up's length. */
    static KeyDeclaration steps() {
        return KeyDeclaration.integer("warmup_num_steps", STEPS)
                .atLeast(1)
                .in("steps")
                .doc("Length of the warm-up; 1 means 2.");
    }

    /** Returns the declaration of the warm-up's shape. */
    static KeyDeclaration shape() {
        return KeyDeclaration.choice("warmup_type", LOG, List.of(LOG, "linear"))
                .doc("How the learning rate grows.");
    }

    /** Returns the declaration of the iteration to start from. */
    static KeyDeclaration start() {
        return KeyDeclaration.integer("last_batch_iteration", START)
                .atLeast(START)
                .doc("Iteration that a run continued by hand starts from.");
    }

    static long steps(Settings params) {
        return params.longOr("warmup_num_steps", STEPS);
    }

    static boolean isLogarithmic(Settings params) {
        return params.stringOr("warmup_type", LOG).equals(LOG);
    }

    static long start(Settings params) {
        return params.longOr("last_batch_iteration", START);
    }

    /** Creates the schedule from checked settings. */
    static Warmup create(Settings params, double maxLr, Warmup.Tail tail) {
        return new Warmup(
                params.doubleOr("warmup_min_lr", 0),
                params.doubleOr("warmup_max_lr", maxLr),
                steps(params),
                isLogarithmic(params),
                start(params),
                tail);
    }
}
