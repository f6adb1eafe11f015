package ds.engine.metrics;

import ds.core.IoReason;
import ds.optim.spi.Hyper;
import ds.optim.spi.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What a schedule does over a run, to be looked at: the learning rate, and the first beta or momentum
 * where that changes too. One value per column, so that a run of any length is drawn at once.
 */
public final class ScheduleCurve {
    private static final int SVG_POINTS = 640;
    private static final double SVG_WIDTH = 720;
    private static final double SVG_HEIGHT = 360;
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
        StringBuilder out = new StringBuilder();
        line(
                out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"11\">",
                SVG_WIDTH,
                SVG_HEIGHT);
        line(out, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>");
        line(
                out,
                "<text x=\"%.0f\" y=\"20\" font-size=\"13\">%s</text>",
                SVG_MARGIN,
                title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"));
        ticks(out, rates, "end", SVG_MARGIN - 6);
        if (both) {
            ticks(out, momenta, "start", SVG_WIDTH - SVG_MARGIN + 6);
            polyline(out, momenta, "#dc2626");
        }
        polyline(out, rates, "#2563eb");
        for (int tick = 0; tick <= TICKS; tick++) {
            line(
                    out,
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%d</text>",
                    x(tick, TICKS + 1),
                    SVG_HEIGHT - SVG_MARGIN + 18,
                    1 + stepsBefore(tick, TICKS + 1));
        }
        line(
                out,
                "<text x=\"%.0f\" y=\"%.0f\"><tspan fill=\"#2563eb\">learning rate</tspan>%s</text>",
                SVG_MARGIN,
                SVG_HEIGHT - 10,
                both ? "   <tspan fill=\"#dc2626\">first beta, or momentum</tspan>" : "");
        return out.append("</svg>\n").toString();
    }

    private static void ticks(StringBuilder out, double[] values, String anchor, double x) {
        for (int tick = 0; tick <= TICKS; tick++) {
            double value = lowest(values) + (highest(values) - lowest(values)) * tick / TICKS;
            line(
                    out,
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%.3g</text>",
                    x,
                    y(value, values) + 4,
                    anchor,
                    value);
        }
    }

    private static void polyline(StringBuilder out, double[] values, String colour) {
        out.append("<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"").append(colour);
        out.append("\" points=\"");
        for (int i = 0; i < values.length; i++) {
            out.append(
                    String.format(
                            Locale.ROOT, "%.1f,%.1f ", x(i, values.length), y(values[i], values)));
        }
        out.append("\"/>\n");
    }

    private static double x(int point, int count) {
        return SVG_MARGIN + (SVG_WIDTH - 2 * SVG_MARGIN) * point / Math.max(1, count - 1);
    }

    private static double y(double value, double[] values) {
        double low = lowest(values);
        double high = highest(values);
        double share = high > low ? (value - low) / (high - low) : 0.5;
        return SVG_HEIGHT - SVG_MARGIN - (SVG_HEIGHT - 2 * SVG_MARGIN) * share;
    }

    private static void line(StringBuilder out, String format, Object... values) {
        out.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    /**
     * Writes the curve as SVG.
     *
     * @throws MetricsException if the file cannot be written
     */
    public void writeSvg(Path file, String title) {
        try {
            Files.writeString(file, svg(title));
        } catch (IOException e) {
            throw new MetricsException(
                    "Cannot write the plot to %s: %s. Give --plot-schedule a file that can be written."
                            .formatted(file, IoReason.of(e)),
                    e);
        }
    }
}
