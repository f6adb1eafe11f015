package ds.core;

import ds.core.Diagnostic.Phase;
import ds.core.Diagnostic.Severity;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects diagnostics up to a number and counts the rest, so that a hostile document cannot fill
 * memory with its mistakes. Owned by one thread.
 */
public final class BoundedDiagnostics {
    /** Code of the diagnostic that stands for those left out. */
    public static final String MORE = "more-problems";

    private static final int USUAL_MOST = 1_000;

    private final List<Diagnostic> kept = new ArrayList<>();
    private final int most;
    private long omitted;
    private Severity worst = Severity.NOTE;
    private Phase phase = Phase.RUNTIME;

    /** Collects as many as anybody could want to read: {@value #USUAL_MOST}. */
    public BoundedDiagnostics() {
        this(USUAL_MOST);
    }

    /** Collects at most {@code most}, 1 or more, and one that stands for the rest. */
    public BoundedDiagnostics(int most) {
        if (most < 1) {
            throw new IllegalArgumentException("Most must be 1 or more, was %d.".formatted(most));
        }
        this.most = most;
    }

    /** Keeps one more, or counts it. */
    public void add(Diagnostic diagnostic) {
        if (!isFull()) {
            kept.add(diagnostic);
            return;
        }
        omitted++;
        if (diagnostic.severity().compareTo(worst) < 0) {
            worst = diagnostic.severity();
            phase = diagnostic.phase();
        } else if (diagnostic.severity() == worst && diagnostic.phase() == Phase.CONFIG) {
            phase = Phase.CONFIG;
        }
    }

    /** Returns whether any further one is only counted. */
    public boolean isFull() {
        return kept.size() >= most;
    }

    /** Returns those kept, in order, and at the end one that stands for the rest, as bad as its worst. */
    public List<Diagnostic> list() {
        List<Diagnostic> all = new ArrayList<>(kept);
        if (omitted > 0) {
            all.add(
                    new Diagnostic(
                            worst,
                            phase,
                            MORE,
                            "",
                            0,
                            0,
                            "%,d more were found and are not shown.".formatted(omitted),
                            "Correct these first.",
                            List.of()));
        }
        return all;
    }
}
