package ds.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The results file: what it was measured on, then one table row per figure. Rewritten after each
 * figure, so that an interrupted run keeps what it has.
 */
final class Report {
    private final Path file;
    private final String selection;
    private final Instant start = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    private final double loadBefore = Machine.load();
    private final List<String> rows = new ArrayList<>();

    Report(Path file, String selection) {
        this.file = file;
        this.selection = selection;
    }

    void add(Figure figure) {
        rows.add(
                String.format(
                        Locale.ROOT,
                        "| %s | %s | %s | %s | %.1f | %.1f | %s | %.2f | %.2f | %s |",
                        figure.name(),
                        figure.parameters(),
                        Figure.duration(figure.medianNanos()),
                        Figure.duration(figure.bestNanos()),
                        figure.rate(),
                        figure.ceiling(),
                        figure.unit(),
                        figure.share(),
                        figure.medianShare(),
                        figure.remark()));
        write();
    }

    void addFailure(String name) {
        rows.add("| %s | | | | | | | | | failed |".formatted(name));
        write();
    }

    void addAbsent(String name, String parameters, String why) {
        rows.add("| %s | %s | | | | | | | | left out: %s |".formatted(name, parameters, why));
        write();
    }

    private void write() {
        List<String> lines = new ArrayList<>();
        lines.add("# Benchmarks of %s".formatted(start));
        lines.add("");
        lines.add("| | |");
        lines.add("|---|---|");
        lines.add(line("commit", System.getProperty("ds.benchmarks.commit", "unknown")));
        Machine.describe().forEach(entry -> lines.add(line(entry.get(0), entry.get(1))));
        lines.add(
                line(
                        "ceilings",
                        "Vector API; "
                                + System.getProperty("ds.benchmarks.compiler", "no C compiler")));
        lines.add(
                line(
                        "load average",
                        String.format(
                                Locale.ROOT,
                                "%.1f before, %.1f after",
                                loadBefore,
                                Machine.load())));
        lines.add(line("selection", selection));
        lines.add("");
        lines.add(
                "| benchmark | parameters | median | best | rate | ceiling | unit | share | share of medians | |");
        lines.add("|---|---|--:|--:|--:|--:|---|--:|--:|---|");
        lines.addAll(rows);
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.write(file, lines);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write %s.".formatted(file), e);
        }
    }

    private static String line(String name, String value) {
        return "| %s | %s |".formatted(name, value);
    }
}
