package ds.cli;

import ds.engine.StepReport;
import java.util.Locale;

/**
 * Shows where a run stands: a bar that moves on a terminal, else a line now and then. Owned by one
 * thread.
 */
final class Progress {
    private static final int BAR = 24;
    private static final long REDRAW_NANOS = 100_000_000;
    private static final int LINES = 20;
    private static final double SMOOTHING = 0.1;

    private final Output out;
    private final long last;
    private final long every;
    private double nanosPerStep;
    private double tokensPerSecond;
    private long drawnAt;

    /**
     * @param first the step that the run starts after
     * @param last the step at which it will end
     * @param every steps between plain lines; 0 for about {@value #LINES} lines in all
     */
    Progress(Output out, long first, long last, long every) {
        this.out = out;
        this.last = last;
        this.every = every > 0 ? every : Math.max(1, (last - first) / LINES);
    }

    void show(StepReport report) {
        boolean first = nanosPerStep == 0;
        double weight = first ? 1 : SMOOTHING;
        nanosPerStep += weight * (report.nanos() - nanosPerStep);
        tokensPerSecond += weight * (report.tokensPerSecond() - tokensPerSecond);
        boolean end = report.step() >= last;
        if (out.hasTerminal()) {
            long now = System.nanoTime();
            if (first || end || now - drawnAt > REDRAW_NANOS) {
                drawnAt = now;
                out.redraw(bar(report.step()) + numbers(report));
            }
        } else if (first || end || report.step() % every == 0) {
            out.message("step " + report.step() + "/" + last + numbers(report));
        }
    }

    private String bar(long step) {
        int done = (int) (last == 0 ? BAR : Math.min(BAR, BAR * step / last));
        return "[" + "=".repeat(done) + " ".repeat(BAR - done) + "] " + step + "/" + last;
    }

    private String numbers(StepReport report) {
        long seconds = Math.round((last - report.step()) * nanosPerStep / 1e9);
        return String.format(
                Locale.ROOT,
                "  loss %.4f  lr %.2e  %,.0f tokens/s  %s%d:%02d left",
                report.loss(),
                report.lr(),
                tokensPerSecond,
                report.skipped() ? "(skipped)  " : "",
                seconds / 60,
                seconds % 60);
    }

    /** Prints a line above the bar. */
    void line(String text) {
        if (out.hasTerminal()) {
            out.clear();
        }
        out.message(text);
    }
}
