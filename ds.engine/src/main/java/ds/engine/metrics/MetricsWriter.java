package ds.engine.metrics;

import ds.core.IoReason;
import ds.core.JsonQuotes;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Writes one JSON object per boundary, one per line, each flushed as it is written. Numbers are
 * written by {@link Double#toString}, so that they read back as the same bits; what is not finite is
 * one of the strings {@code "inf" "-inf" "nan"}. Owned by one thread.
 */
public final class MetricsWriter implements AutoCloseable {
    private static final String STEP = "{\"step\":";

    private final Path file;
    private final BufferedWriter out;

    private MetricsWriter(Path file, BufferedWriter out) {
        this.file = file;
        this.out = out;
    }

    /**
     * Opens a file, made anew unless the run is resumed.
     *
     * @param resumedStep 0 for a new run, which empties the file; otherwise lines after this step,
     *     and a line that a crash left unfinished, are cut off
     * @throws MetricsException if the file cannot be written
     */
    public static MetricsWriter open(Path file, long resumedStep) {
        try {
            Path parent = file.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            long keep =
                    resumedStep > 0 && Files.exists(file)
                            ? endOfStep(Files.readAllBytes(file), resumedStep)
                            : 0;
            try (FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                channel.truncate(keep);
            }
            return new MetricsWriter(
                    file,
                    Files.newBufferedWriter(
                            file, StandardCharsets.UTF_8, StandardOpenOption.APPEND));
        } catch (IOException e) {
            throw failed(file, e);
        }
    }

    /** Returns the bytes up to the last whole line whose step is at most {@code step}. */
    private static int endOfStep(byte[] bytes, long step) {
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                if (stepOf(ByteBuffer.wrap(bytes, start, i - start)) > step) {
                    return start;
                }
                start = i + 1;
            }
        }
        return start;
    }

    private static long stepOf(ByteBuffer line) {
        String text = StandardCharsets.UTF_8.decode(line).toString();
        long step = 0;
        if (text.startsWith(STEP)) {
            for (int i = STEP.length(); i < text.length(); i++) {
                int digit = Character.digit(text.charAt(i), 10);
                if (digit < 0) {
                    return step;
                }
                step = step * 10 + digit;
            }
        }
        return Long.MAX_VALUE; // not a line of ours: it and what follows are cut off
    }

    /**
     * Writes the line of one boundary.
     *
     * @param step counted from 1
     * @param values numbers (Long, Integer, Double, Float), truth values and texts by name, in
     *     order; an empty OptionalDouble is written as null: not known
     * @throws MetricsException if the file cannot be written
     */
    public void write(long step, Map<String, ?> values) {
        StringBuilder line = new StringBuilder(256).append(STEP).append(step);
        values.forEach(
                (name, value) -> {
                    line.append(',');
                    JsonQuotes.append(line, name);
                    line.append(':');
                    append(line, value);
                });
        line.append("}\n");
        try {
            out.append(line);
            out.flush();
        } catch (IOException e) {
            throw failed(file, e);
        }
    }

    private static void append(StringBuilder line, Object value) {
        switch (value) {
            case OptionalDouble number when number.isEmpty() -> line.append("null");
            case OptionalDouble number -> appendDouble(line, number.getAsDouble());
            case Double number -> appendDouble(line, number);
            case Float number -> appendDouble(line, number.doubleValue());
            case Long number -> line.append(number.longValue());
            case Integer number -> line.append(number.intValue());
            case Boolean flag -> line.append(flag.booleanValue());
            default -> JsonQuotes.append(line, value.toString());
        }
    }

    private static void appendDouble(StringBuilder line, double value) {
        if (Double.isNaN(value)) {
            line.append("\"nan\"");
        } else if (Double.isInfinite(value)) {
            line.append(value > 0 ? "\"inf\"" : "\"-inf\"");
        } else {
            line.append(value);
        }
    }

    private static MetricsException failed(Path file, IOException e) {
        return new MetricsException(
                "Cannot write metrics to %s: %s. Give --metrics a file that can be written."
                        .formatted(file, IoReason.of(e)),
                e);
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw failed(file, e);
        }
    }
}
