package ds.engine.data;

import ds.core.ProviderTable;
import ds.engine.spi.DatasetProvider;
import ds.model.spi.ModelProvider.DataShape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;

/** Opens data by the name of its file. */
public final class Datasets {
    private Datasets() {}

    /**
     * Opens a file, or a directory that a provider reads: {@code .csv}, {@code .jsonl}, {@code .idx} or MNIST's {@code -ubyte} (each also
     * {@code .gz}), what a {@link DatasetProvider} reads, and everything else as text.
     *
     * @throws DataException if it cannot be read, or a table has no target
     */
    public static Dataset open(Path file, DataOptions options) {
        boolean directory = Files.isDirectory(file);
        if (!directory) {
            DataFiles.requireFile(file);
        }
        for (DatasetProvider provider : providers().all()) {
            if (provider.unavailable().isEmpty() && provider.reads(file)) {
                return provider.open(file, options);
            }
        }
        if (directory) {
            DataFiles.requireFile(file);
        }
        return switch (kind(file)) {
            case "csv" ->
                    CsvDataset.read(
                            file,
                            options.target()
                                    .orElseThrow(
                                            () ->
                                                    new DataException(
                                                            "%s is a table: name the column to predict with --target."
                                                                    .formatted(file))));
            case "idx" -> IdxDataset.read(file);
            case "jsonl" -> JsonlDataset.read(file, options.context());
            default -> TextDataset.bytes(file, options.context());
        };
    }

    /**
     * Opens and splits a file; a table is standardised by its training part if the options say so.
     */
    public static Split openSplit(Path file, DataOptions options, double trainShare) {
        Split split = open(file, options).split(trainShare);
        if (options.standardise()
                && split.train() instanceof CsvDataset train
                && split.validation() instanceof CsvDataset validation) {
            CsvDataset prepared = train.standardised();
            return new Split(prepared, prepared.prepare(validation));
        }
        return split;
    }

    /**
     * Opens a file prepared as the data of a checkpoint was: same context, same target, same
     * classes and statistics.
     *
     * @param info what {@link Dataset#info()} of the training data said
     */
    public static Dataset reopen(Path file, Map<String, String> info) {
        String target = info.getOrDefault("target", "");
        if ("csv".equals(info.get("kind"))) {
            String classes = info.getOrDefault("classes", "");
            CsvDataset data =
                    CsvDataset.read(
                            file,
                            target,
                            classes.isEmpty() ? List.of() : List.of(classes.split("\n", -1)));
            String means = info.get("means");
            String deviations = info.get("deviations");
            return means != null && deviations != null
                    ? data.standardisedBy(numbers(means), numbers(deviations))
                    : data;
        }
        DataOptions options = DataOptions.DEFAULT;
        if (info.containsKey("context")) {
            options = options.withContext(Integer.parseInt(info.get("context")));
        }
        return open(file, target.isEmpty() ? options : options.withTarget(target));
    }

    /**
     * Returns the shape that {@link Dataset#info()} describes.
     *
     * @throws DataException if it does not hold one
     */
    public static DataShape shape(Map<String, String> info) {
        if (!info.containsKey(DataFiles.INPUTS) || !info.containsKey(DataFiles.OUTPUTS)) {
            throw new DataException(
                    "The checkpoint does not say what its data looked like (%s); it was saved without training data, so only code can use it."
                            .formatted(info));
        }
        return new DataShape(
                Integer.parseInt(info.get(DataFiles.INPUTS)),
                Integer.parseInt(info.get(DataFiles.OUTPUTS)),
                Boolean.parseBoolean(info.get(DataFiles.TOKENS)),
                Boolean.parseBoolean(info.get(DataFiles.LABELS)));
    }

    private static double[] numbers(String text) {
        String[] words = text.split(" ", -1);
        double[] values = new double[words.length];
        for (int i = 0; i < words.length; i++) {
            values[i] = Double.parseDouble(words[i]);
        }
        return values;
    }

    private static String kind(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(".gz")) {
            name = name.substring(0, name.length() - 3);
        }
        if (name.endsWith(".csv")) {
            return "csv";
        }
        if (name.endsWith(".jsonl")) {
            return "jsonl";
        }
        return name.endsWith(".idx") || name.endsWith("-ubyte") ? "idx" : "text";
    }

    /** Returns the providers of further formats. */
    public static ProviderTable<DatasetProvider> providers() {
        ModuleLayer layer = Datasets.class.getModule().getLayer();
        return new ProviderTable<>(
                "data set",
                layer == null
                        ? ServiceLoader.load(DatasetProvider.class, Datasets.class.getClassLoader())
                        : ServiceLoader.load(layer, DatasetProvider.class));
    }
}
