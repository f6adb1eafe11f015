package ds.engine.metrics;

import ds.core.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/** A self-contained SVG document with a title, lines and labels, of one size for all plots. */
final class SvgPlot {
    static final double WIDTH = 720;
    static final double HEIGHT = 360;

    /** Where a curve's points are. */
    record Point(double x, double y) {}

    private final StringBuilder out = new StringBuilder();

    /** Begins a plot whose title stands {@code margin} from the left. */
    SvgPlot(String title, double margin) {
        add(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"11\">",
                WIDTH, HEIGHT);
        add("<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>");
        add(
                "<text x=\"%.0f\" y=\"20\" font-size=\"13\">%s</text>",
                margin, title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"));
    }

    /** Adds an element, with points for decimals whatever the locale. */
    void add(String format, Object... values) {
        out.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    /** Adds a curve; nothing where there is no point. */
    void curve(String colour, Stream<Point> points) {
        StringBuilder line = new StringBuilder();
        points.forEach(
                point ->
                        line.append(
                                String.format(Locale.ROOT, "%.1f,%.1f ", point.x(), point.y())));
        if (!line.isEmpty()) {
            out.append("<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"").append(colour);
            out.append("\" points=\"").append(line).append("\"/>\n");
        }
    }

    /** Returns the document. */
    String end() {
        return out.append("</svg>\n").toString();
    }

    /**
     * Writes a document.
     *
     * @param option by which the file was named, for an error
     * @throws MetricsException if the file cannot be written
     */
    static void write(String svg, Path file, String option) {
        try {
            Files.writeString(file, svg);
        } catch (IOException e) {
            throw new MetricsException(
                    "Cannot write the plot to %s: %s. Give %s a file that can be written."
                            .formatted(file, IoReason.of(e), option),
                    e);
        }
    }
}
