package ds.engine.data;

import ds.model.Batch;
import ds.model.Field;
import ds.model.spi.ModelProvider.DataShape;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A table: every column but the target is a numeric feature. A target of words, or of at most
 * {@value #CLASSES_MAX} different integers, is a class label (classes in sorted order); any other is
 * a real number. The first line is a header if none of its cells is a number.
 */
public final class CsvDataset implements Dataset {
    /** More different integers than this are a quantity, not classes. */
    public static final int CLASSES_MAX = 1000;

    private static final long SPLIT_SEED = 0;
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private record Table(
            Path file,
            String target,
            List<String> classes,
            double[][] features,
            double[] targets) {}

    private final Table table;
    private final int[] rows;
    private final double[] means;
    private final double[] deviations;
    private final boolean standardised;

    private CsvDataset(
            Table table, int[] rows, double[] means, double[] deviations, boolean standardised) {
        this.table = table;
        this.rows = rows;
        this.means = means;
        this.deviations = deviations;
        this.standardised = standardised;
    }

    /**
     * Reads a table.
     *
     * @param target the target column: its name, or its index from 0
     * @throws DataException naming line and column of the first cell that does not fit
     */
    public static CsvDataset read(Path file, String target) {
        return read(file, target, List.of());
    }

    /** As {@link #read(Path, String)}, with the classes of an earlier reading, in their order. */
    static CsvDataset read(Path file, String target, List<String> knownClasses) {
        List<String[]> lines = CsvLines.parse(file);
        boolean header = isHeader(lines.getFirst());
        int first = header ? 1 : 0;
        int column = column(file, target, lines.getFirst(), header);
        int width = lines.getFirst().length;
        if (lines.size() - first < 1 || width < 2) {
            throw new DataException(
                    "%s has %,d rows of %,d columns; it needs at least 1 row, a target and a feature."
                            .formatted(file, lines.size() - first, width));
        }
        List<String> classes =
                knownClasses.isEmpty() ? classes(lines, first, column) : knownClasses;
        Map<String, Integer> labels = new HashMap<>();
        for (String name : classes) {
            labels.put(name, labels.size());
        }
        double[][] features = new double[lines.size() - first][width - 1];
        double[] targets = new double[lines.size() - first];
        for (int row = 0; row < features.length; row++) {
            String[] cells = lines.get(row + first);
            int line = row + first + 1;
            int feature = 0;
            for (int c = 0; c < width; c++) {
                if (c != column) {
                    features[row][feature++] = number(file, line, c, cells[c]);
                } else if (classes.isEmpty()) {
                    targets[row] = number(file, line, c, cells[c]);
                } else {
                    targets[row] = label(file, line, cells[c], labels);
                }
            }
        }
        int[] rows = new int[features.length];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = row;
        }
        return new CsvDataset(
                new Table(file, target, classes, features, targets),
                rows,
                new double[width - 1],
                ones(width - 1),
                false);
    }

    private static boolean isHeader(String[] cells) {
        for (String cell : cells) {
            if (isNumber(cell)) {
                return false;
            }
        }
        return true;
    }

    private static int column(Path file, String target, String[] first, boolean header) {
        for (int c = 0; header && c < first.length; c++) {
            if (first[c].equals(target)) {
                return c;
            }
        }
        if (!target.isEmpty() && target.chars().allMatch(c -> c >= '0' && c <= '9')) {
            int column = target.length() > 6 ? Integer.MAX_VALUE : Integer.parseInt(target);
            if (column < first.length) {
                return column;
            }
        }
        throw new DataException(
                "%s has no column '%s'; it has %s. Name one of them, or its index from 0, as the target."
                        .formatted(
                                file,
                                target,
                                header
                                        ? List.of(first)
                                        : "columns 0 to " + (first.length - 1) + " and no header"));
    }

    private static List<String> classes(List<String[]> lines, int first, int column) {
        Set<String> words = new HashSet<>();
        boolean integers = true;
        boolean numbers = true;
        for (String[] cells : lines.subList(first, lines.size())) {
            words.add(cells[column]);
            numbers = numbers && isNumber(cells[column]);
            integers = integers && isInteger(cells[column]);
        }
        if (integers && words.size() <= CLASSES_MAX) {
            Map<Long, String> sorted = new TreeMap<>();
            words.forEach(word -> sorted.put(Long.parseLong(word), word));
            return List.copyOf(sorted.values());
        }
        return numbers ? List.of() : List.copyOf(new TreeSet<>(words));
    }

    private static double label(Path file, int line, String cell, Map<String, Integer> labels) {
        Integer label = labels.get(cell);
        if (label == null) {
            throw new DataException(
                    "%s line %,d: class '%s' was not in the data trained on, which had %s."
                            .formatted(file, line, cell, new TreeSet<>(labels.keySet())));
        }
        return label;
    }

    private static boolean isInteger(String cell) {
        return isNumber(cell)
                && cell.length() < 19
                && cell.chars().allMatch(c -> c >= '0' && c <= '9' || c == '-');
    }

    private static boolean isNumber(String cell) {
        try {
            return Double.isFinite(Double.parseDouble(cell));
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private static double number(Path file, int line, int column, String cell) {
        if (!isNumber(cell)) {
            throw new DataException(
                    "%s line %,d, column %,d: '%s' is no finite number; features and real targets must be. Remove the row or encode the column as numbers."
                            .formatted(file, line, column, cell));
        }
        return Double.parseDouble(cell);
    }

    private static double[] ones(int count) {
        double[] values = new double[count];
        Arrays.fill(values, 1);
        return values;
    }

    /**
     * Returns this data with each feature at mean 0 and deviation 1, measured on these rows; a
     * constant feature becomes 0. Parts split off later keep the statistics: split first.
     */
    public CsvDataset standardised() {
        double[] mean = new double[means.length];
        double[] deviation = new double[means.length];
        for (int c = 0; c < mean.length; c++) {
            for (int row : rows) {
                mean[c] += table.features[row][c];
            }
            mean[c] /= rows.length;
            double squares = 0;
            for (int row : rows) {
                double distance = table.features[row][c] - mean[c];
                squares += distance * distance;
            }
            deviation[c] = squares == 0 ? 1 : Math.sqrt(squares / rows.length);
        }
        return new CsvDataset(table, rows, mean, deviation, true);
    }

    /** Returns this data with the statistics of other rows: of those trained on. */
    CsvDataset standardisedBy(double[] mean, double[] deviation) {
        if (mean.length != means.length || deviation.length != means.length) {
            throw new DataException(
                    "%s has %,d features, the data trained on had %,d; use the same columns."
                            .formatted(table.file, means.length, mean.length));
        }
        return new CsvDataset(table, rows, mean, deviation, true);
    }

    /** Returns other rows of the same table with the statistics of these. */
    CsvDataset prepare(CsvDataset other) {
        return other.standardisedBy(means, deviations);
    }

    /** Returns the class names, in label order; empty for a real target. */
    public List<String> classes() {
        return table.classes;
    }

    private boolean labels() {
        return !table.classes.isEmpty();
    }

    @Override
    public long samples() {
        return rows.length;
    }

    @Override
    public DataShape shape() {
        return new DataShape(means.length, labels() ? table.classes.size() : 1, false, labels());
    }

    @Override
    public Field.Type inputType() {
        return Field.Type.FLOAT32;
    }

    @Override
    public List<Integer> inputShape() {
        return List.of(means.length);
    }

    @Override
    public Field.Type targetType() {
        return labels() ? Field.Type.INT32 : Field.Type.FLOAT32;
    }

    @Override
    public List<Integer> targetShape() {
        return labels() ? List.of() : List.of(1);
    }

    @Override
    public String describe() {
        return "%s: %,d rows of %,d features%s, target '%s' %s"
                .formatted(
                        table.file,
                        rows.length,
                        means.length,
                        standardised ? " (standardised)" : "",
                        table.target,
                        labels() ? "of %,d classes".formatted(table.classes.size()) : "real");
    }

    @Override
    public Map<String, String> info() {
        Map<String, String> info = new HashMap<>();
        info.put("kind", "csv");
        info.put("file", table.file.toString());
        info.put("target", table.target);
        info.put("classes", String.join("\n", table.classes));
        if (standardised) {
            info.put("means", join(means));
            info.put("deviations", join(deviations));
        }
        return DataFiles.withShape(info, shape());
    }

    private static String join(double[] values) {
        StringBuilder text = new StringBuilder();
        for (double value : values) {
            text.append(text.isEmpty() ? "" : " ").append(value);
        }
        return text.toString();
    }

    @Override
    public void fill(long index, Batch batch, int row) {
        int source = rows[Math.toIntExact(index)];
        double[] cells = table.features[source];
        long base = 4L * row * cells.length;
        for (int c = 0; c < cells.length; c++) {
            batch.input()
                    .data()
                    .set(FLOAT, base + 4L * c, (float) ((cells[c] - means[c]) / deviations[c]));
        }
        if (labels()) {
            batch.target().data().set(INT, 4L * row, (int) table.targets[source]);
        } else {
            batch.target().data().set(FLOAT, 4L * row, (float) table.targets[source]);
        }
    }

    /** Cuts at random, the same way every time: tables are often sorted by class. */
    @Override
    public Split split(double trainShare) {
        DataFiles.checkShare(trainShare);
        int cut = (int) (rows.length * trainShare);
        if (cut < 1) {
            throw new DataException(
                    "%s has %,d rows; split at %s leaves no row to train on. Take more rows or another split."
                            .formatted(table.file, rows.length, trainShare));
        }
        SampleOrder order = new SampleOrder(SPLIT_SEED, rows.length);
        int[] mixed = new int[rows.length];
        for (int i = 0; i < mixed.length; i++) {
            mixed[i] = rows[(int) order.index(i)];
        }
        return new Split(part(mixed, 0, cut), part(mixed, cut, mixed.length));
    }

    private CsvDataset part(int[] mixed, int from, int to) {
        return new CsvDataset(
                table, Arrays.copyOfRange(mixed, from, to), means, deviations, standardised);
    }
}
