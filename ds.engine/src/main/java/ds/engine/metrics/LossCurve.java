package ds.engine.metrics;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The losses of a run, to be looked at. Grows by doubling the number of steps that one point
 * averages, so that a run of any length takes at most {@value #POINTS_MAX} points. Owned by one
 * thread.
 */
public final class LossCurve {
    private static final int POINTS_MAX = 4096;
    private static final double SVG_MARGIN = 48;

    private record Point(long step, double loss) {}

    private final List<Point> training = new ArrayList<>();
    private final List<Point> validation = new ArrayList<>();
    private long stepsPerPoint = 1;
    private double sum;
    private long summed;

    /** Creates an empty curve. */
    public LossCurve() {}

    /** Adds the training loss of a step; one that is not finite leaves a gap. */
    public void add(long step, double loss) {
        if (!Double.isFinite(loss)) {
            return;
        }
        sum += loss;
        if (++summed == stepsPerPoint) {
            training.add(new Point(step, sum / summed));
            sum = 0;
            summed = 0;
            if (training.size() == POINTS_MAX) {
                halve();
            }
        }
    }

    private void halve() {
        List<Point> merged = new ArrayList<>();
        for (int i = 0; i + 1 < training.size(); i += 2) {
            Point second = training.get(i + 1);
            merged.add(new Point(second.step(), (training.get(i).loss() + second.loss()) / 2));
        }
        training.clear();
        training.addAll(merged);
        stepsPerPoint *= 2;
    }

    /** Adds a validation loss. */
    public void addValidation(long step, double loss) {
        if (Double.isFinite(loss)) {
            validation.add(new Point(step, loss));
        }
    }

    /** Returns whether there is nothing to plot. */
    public boolean isEmpty() {
        return training.isEmpty();
    }

    /**
     * Returns a plot of the training losses ({@code *}, the mean of each column's steps) and the
     * validation losses ({@code o}) in characters, with axes.
     *
     * @param columns width of the plotting area
     * @param rows its height
     */
    public String text(int columns, int rows) {
        if (isEmpty()) {
            return "";
        }
        long first = training.getFirst().step();
        long last = Math.max(first + 1, training.getLast().step());
        double[] means = new double[columns];
        int[] counts = new int[columns];
        for (Point point : training) {
            int column = column(point.step(), first, last, columns);
            means[column] += point.loss();
            counts[column]++;
        }
        for (int c = 0; c < columns; c++) {
            means[c] = counts[c] == 0 ? Double.NaN : means[c] / counts[c];
        }
        double low = lowest(means);
        double high = highest(means);
        for (Point point : validation) {
            low = Math.min(low, point.loss());
            high = Math.max(high, point.loss());
        }
        char[][] canvas = new char[rows][columns];
        for (char[] row : canvas) {
            Arrays.fill(row, ' ');
        }
        for (int c = 0; c < columns; c++) {
            if (counts[c] > 0) {
                canvas[row(means[c], low, high, rows)][c] = '*';
            }
        }
        for (Point point : validation) {
            if (point.step() >= first) {
                int c = column(Math.min(point.step(), last), first, last, columns);
                canvas[row(point.loss(), low, high, rows)][c] = 'o';
            }
        }
        return draw(canvas, low, high, first, training.getLast().step());
    }

    private String draw(char[][] canvas, double low, double high, long first, long last) {
        StringBuilder out = new StringBuilder();
        int rows = canvas.length;
        for (int r = 0; r < rows; r++) {
            boolean labelled = r % 4 == 0 || r == rows - 1;
            double value = rows == 1 ? high : high - (high - low) * r / (rows - 1);
            out.append(labelled ? String.format(Locale.ROOT, "%8.3f", value) : " ".repeat(8));
            out.append(labelled ? " +" : " |").append(new String(canvas[r]).stripTrailing());
            out.append('\n');
        }
        String from = Long.toString(first);
        String to = "step " + last;
        int columns = canvas[0].length;
        out.append(" ".repeat(9)).append('+').append("-".repeat(columns)).append('\n');
        out.append(" ".repeat(10)).append(from);
        out.append(" ".repeat(Math.max(1, columns - from.length() - to.length()))).append(to);
        out.append('\n').append(" ".repeat(10)).append("* training loss");
        return out.append(validation.isEmpty() ? "\n" : "   o validation loss\n").toString();
    }

    private static int column(long step, long first, long last, int columns) {
        return (int) Math.min(columns - 1, (step - first) * columns / (last - first + 1));
    }

    private static int row(double loss, double low, double high, int rows) {
        return high > low ? (int) Math.round((high - loss) / (high - low) * (rows - 1)) : 0;
    }

    private static double lowest(double[] values) {
        double low = Double.POSITIVE_INFINITY;
        for (double value : values) {
            low = Double.isNaN(value) ? low : Math.min(low, value);
        }
        return low;
    }

    private static double highest(double[] values) {
        double high = Double.NEGATIVE_INFINITY;
        for (double value : values) {
            high = Double.isNaN(value) ? high : Math.max(high, value);
        }
        return high;
    }

    /** Returns the plot as a self-contained SVG document. */
    public String svg(String title) {
        long first = isEmpty() ? 0 : training.getFirst().step();
        long last = isEmpty() ? 1 : Math.max(first + 1, training.getLast().step());
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (List<Point> points : List.of(training, validation)) {
            for (Point point : points) {
                low = Math.min(low, point.loss());
                high = Math.max(high, point.loss());
            }
        }
        if (isEmpty()) {
            low = 0;
            high = 1;
        } else if (low == high) {
            high = low + 1;
        }
        SvgPlot plot = new SvgPlot(title, SVG_MARGIN);
        for (int tick = 0; tick <= 4; tick++) {
            double loss = low + (high - low) * tick / 4;
            double y = y(loss, low, high);
            plot.add(
                    "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>",
                    SVG_MARGIN, SvgPlot.WIDTH - 16, y, y);
            plot.add(
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.3f</text>",
                    SVG_MARGIN - 6, y + 4, loss);
            long step = first + (last - first) * tick / 4;
            plot.add(
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%d</text>",
                    x(step, first, last), SvgPlot.HEIGHT - SVG_MARGIN + 18, step);
        }
        plot.curve("#2563eb", points(training, first, last, low, high));
        plot.curve("#dc2626", points(validation, first, last, low, high));
        plot.add(
                "<text x=\"%.0f\" y=\"%.0f\"><tspan fill=\"#2563eb\">training loss</tspan>%s</text>",
                SVG_MARGIN,
                SvgPlot.HEIGHT - 10,
                validation.isEmpty() ? "" : "   <tspan fill=\"#dc2626\">validation loss</tspan>");
        return plot.end();
    }

    private static Stream<SvgPlot.Point> points(
            List<Point> points, long first, long last, double low, double high) {
        return points.stream()
                .map(
                        point ->
                                new SvgPlot.Point(
                                        x(Math.clamp(point.step(), first, last), first, last),
                                        y(point.loss(), low, high)));
    }

    private static double x(long step, long first, long last) {
        return SVG_MARGIN + (SvgPlot.WIDTH - 16 - SVG_MARGIN) * (step - first) / (last - first);
    }

    private static double y(double loss, double low, double high) {
        double height = SvgPlot.HEIGHT - 2 * SVG_MARGIN;
        return SVG_MARGIN - 12 + height * (high - loss) / (high - low);
    }

    /**
     * Writes the SVG document.
     *
     * @throws MetricsException if the file cannot be written
     */
    public void writeSvg(Path file, String title) {
        SvgPlot.write(svg(title), file, "--plot");
    }
}
