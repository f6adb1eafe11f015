package ds.engine.data;

import ds.core.InputFiles;
import ds.core.IoReason;
import ds.model.spi.ModelProvider.DataShape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;

/** Reads whole data files, with messages for people. */
final class DataFiles {
    static final String INPUTS = "input_elements";
    static final String OUTPUTS = "output_elements";
    static final String TOKENS = "tokens";
    static final String LABELS = "labels";
    private static final int LIMIT_BYTES = Integer.MAX_VALUE - 16;

    private DataFiles() {}

    /** Refuses a directory, and a pipe, which might never end. */
    static void requireFile(Path file) {
        Optional<String> other = InputFiles.otherThanFile(file);
        if (other.isPresent()) {
            throw new DataException("Data %s is %s; give a file.".formatted(file, other.get()));
        }
    }

    static byte[] readAll(Path file) {
        try {
            requireFile(file);
            boolean packed = file.toString().toLowerCase(Locale.ROOT).endsWith(".gz");
            if (!packed && Files.size(file) > LIMIT_BYTES) {
                throw new DataException(
                        "Data file %s has %,d bytes; this reader takes up to %,d. Split the file."
                                .formatted(file, Files.size(file), LIMIT_BYTES));
            }
            if (!packed) {
                return Files.readAllBytes(file);
            }
            try (InputStream in = new GZIPInputStream(Files.newInputStream(file), 1 << 16)) {
                return in.readAllBytes();
            }
        } catch (NoSuchFileException e) {
            throw new DataException(
                    "Data file %s does not exist; check the path.".formatted(file), e);
        } catch (IOException e) {
            throw new DataException(
                    "Cannot read data file %s: %s.".formatted(file, IoReason.of(e)), e);
        }
    }

    static Map<String, String> withShape(Map<String, String> info, DataShape shape) {
        Map<String, String> all = new TreeMap<>(info);
        all.put(INPUTS, Integer.toString(shape.inputElements()));
        all.put(OUTPUTS, Integer.toString(shape.outputElements()));
        all.put(TOKENS, Boolean.toString(shape.tokens()));
        all.put(LABELS, Boolean.toString(shape.labels()));
        return all;
    }

    static void checkShare(double trainShare) {
        if (!(trainShare > 0 && trainShare < 1)) {
            throw new IllegalArgumentException(
                    "The share to train on is %s; it must be above 0 and below 1."
                            .formatted(trainShare));
        }
    }
}
