package ds.cli;

import ds.engine.StepReport;
import java.util.Locale;
import java.util.Map;

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
    private final boolean breakdown;
    private double nanosPerStep;
    private double tokensPerSecond;
    private long drawnAt;

    /**
     * @param first the step that the run starts after
     * @param last the step at which it will end
     * @param every steps between plain lines; 0 for about {@value #LINES} lines in all
     * @param breakdown whether each line is followed by where the time of its step went
     */
    Progress(Output out, long first, long last, long every, boolean breakdown) {
        this.out = out;
        this.last = last;
        this.every = every > 0 ? every : Math.max(1, (last - first) / LINES);
        this.breakdown = breakdown;
    }

    void show(StepReport report) {
        boolean first = nanosPerStep == 0;
        double weight = first ? 1 : SMOOTHING;
        nanosPerStep += weight * (report.nanos() - nanosPerStep);
        tokensPerSecond += weight * (report.tokensPerSecond() - tokensPerSecond);
        boolean end = report.step() >= last;
        boolean due = first || end || report.step() % every == 0;
        if (breakdown && due && out.hasTerminal()) {
            line(times(report));
        }
        if (out.hasTerminal()) {
            long now = System.nanoTime();
            if (first || end || now - drawnAt > REDRAW_NANOS) {
                drawnAt = now;
                out.redraw(bar(report.step()) + numbers(report));
            }
        } else if (due) {
            out.message("step " + report.step() + "/" + last + numbers(report));
            if (breakdown) {
                out.message(times(report));
            }
        }
    }

    /** Returns the phases of a step in milliseconds, the longest first. */
    static String times(StepReport report) {
        StringBuilder line =
                new StringBuilder(
                        String.format(
                                Locale.ROOT,
                                "  time of step %d (ms): %.2f =",
                                report.step(),
                                report.nanos() / 1e6));
        report.phaseNanos().entrySet().stream()
                .filter(phase -> phase.getValue() > 0)
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .forEach(
                        phase ->
                                line.append(
                                        String.format(
                                                Locale.ROOT,
                                                "  %s %.2f",
                                                phase.getKey(),
                                                phase.getValue() / 1e6)));
        return line.toString();
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
