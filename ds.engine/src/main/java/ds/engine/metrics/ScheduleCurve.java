package ds.engine.metrics;

import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a schedule does over a run, to be looked at: the learning rate, and the first beta or momentum
 * where that changes too. One value per column, so that a run of any length is drawn at once.
 */
public final class ScheduleCurve {
    private static final int SVG_POINTS = 640;
    private static final double SVG_MARGIN = 60;
    private static final int TICKS = 4;

    private final Schedule schedule;
    private final Hyper base;
    private final long steps;

    /**
     * Creates a curve.
     *
     * @param base the hyper-parameters before the schedule
     * @param steps of the run, at least 1
     */
    public ScheduleCurve(Schedule schedule, Hyper base, long steps) {
        if (steps < 1) {
            throw new IllegalArgumentException(
                    "A schedule is drawn over at least 1 step, was %d.".formatted(steps));
        }
        this.schedule = schedule;
        this.base = base;
        this.steps = steps;
    }

    private double[] values(int points, ToDoubleFunction<Hyper> part) {
        int count = (int) Math.min(points, steps);
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = part.applyAsDouble(schedule.at(stepsBefore(i, count), base));
        }
        return values;
    }

    /** Returns the steps applied before point {@code i}: the first point is step 1, the last the end. */
    private long stepsBefore(int i, int count) {
        return count == 1 ? 0 : Math.round((double) i * (steps - 1) / (count - 1));
    }

    private static double lowest(double[] values) {
        return Arrays.stream(values).min().orElse(0);
    }

    private static double highest(double[] values) {
        return Arrays.stream(values).max().orElse(0);
    }

    /** Returns the curve in characters, with axes: {@code *}; a momentum that changes below it. */
    public String text(int columns, int rows) {
        String rates = draw(values(columns, Hyper::lr), rows, "learning rate");
        double[] momenta = values(columns, Hyper::beta1OrMomentum);
        return lowest(momenta) == highest(momenta)
                ? rates
                : rates + "\n" + draw(momenta, rows, "first beta, or momentum");
    }

    private String draw(double[] values, int rows, String what) {
        double low = lowest(values);
        double high = highest(values);
        char[][] canvas = new char[rows][values.length];
        for (char[] row : canvas) {
            Arrays.fill(row, ' ');
        }
        for (int c = 0; c < values.length; c++) {
            double share = high > low ? (high - values[c]) / (high - low) : 0;
            canvas[(int) Math.round(share * (rows - 1))][c] = '*';
        }
        StringBuilder out = new StringBuilder(what).append('\n');
        for (int r = 0; r < rows; r++) {
            boolean labelled = r % TICKS == 0 || r == rows - 1;
            double value = rows == 1 ? high : high - (high - low) * r / (rows - 1);
            out.append(
                            labelled
                                    ? String.format(Locale.ROOT, "%10.3e +", value)
                                    : " ".repeat(11) + "|")
                    .append(new String(canvas[r]).stripTrailing())
                    .append('\n');
        }
        String to = "step " + steps;
        out.append(" ".repeat(11)).append('+').append("-".repeat(values.length)).append('\n');
        return out.append(" ".repeat(12))
                .append('1')
                .append(" ".repeat(Math.max(1, values.length - 1 - to.length())))
                .append(to)
                .append('\n')
                .toString();
    }

    /** Returns the curve as a self-contained SVG document. */
    public String svg(String title) {
        double[] rates = values(SVG_POINTS, Hyper::lr);
        double[] momenta = values(SVG_POINTS, Hyper::beta1OrMomentum);
        boolean both = lowest(momenta) != highest(momenta);
        SvgPlot plot = new SvgPlot(title, SVG_MARGIN);
        ticks(plot, rates, "end", SVG_MARGIN - 6);
        if (both) {
            ticks(plot, momenta, "start", SvgPlot.WIDTH - SVG_MARGIN + 6);
            plot.curve("#dc2626", points(momenta));
        }
        plot.curve("#2563eb", points(rates));
        for (int tick = 0; tick <= TICKS; tick++) {
            plot.add(
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%d</text>",
                    x(tick, TICKS + 1),
                    SvgPlot.HEIGHT - SVG_MARGIN + 18,
                    1 + stepsBefore(tick, TICKS + 1));
        }
        plot.add(
                "<text x=\"%.0f\" y=\"%.0f\"><tspan fill=\"#2563eb\">learning rate</tspan>%s</text>",
                SVG_MARGIN,
                SvgPlot.HEIGHT - 10,
                both ? "   <tspan fill=\"#dc2626\">first beta, or momentum</tspan>" : "");
        return plot.end();
    }

    private static void ticks(SvgPlot plot, double[] values, String anchor, double x) {
        for (int tick = 0; tick <= TICKS; tick++) {
            double value = lowest(values) + (highest(values) - lowest(values)) * tick / TICKS;
            plot.add(
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%.3g</text>",
                    x, y(value, values) + 4, anchor, value);
        }
    }

    private static Stream<SvgPlot.Point> points(double[] values) {
        return IntStream.range(0, values.length)
                .mapToObj(i -> new SvgPlot.Point(x(i, values.length), y(values[i], values)));
    }

    private static double x(int point, int count) {
        return SVG_MARGIN + (SvgPlot.WIDTH - 2 * SVG_MARGIN) * point / Math.max(1, count - 1);
    }

    private static double y(double value, double[] values) {
        double low = lowest(values);
        double high = highest(values);
        double share = high > low ? (value - low) / (high - low) : 0.5;
        return SvgPlot.HEIGHT - SVG_MARGIN - (SvgPlot.HEIGHT - 2 * SVG_MARGIN) * share;
    }

    /**
     * Writes the curve as SVG.
     *
     * @throws MetricsException if the file cannot be written
     */
    public void writeSvg(Path file, String title) {
        SvgPlot.write(svg(title), file, "--plot-schedule");
    }
}
