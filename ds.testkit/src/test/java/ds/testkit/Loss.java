package ds.testkit;

import ds.offload.FileOperations;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;

/** What the tests of lost data share: how long they are, what they count, and files put back. */
final class Loss {
    /** Whether the long forms run: {@code ./mvnw verify -Ploss}. */
    static final boolean LONG = Boolean.getBoolean("ds.loss");

    /** The system's files that make nothing durable: for tests in which no power fails. */
    static final FileOperations UNSYNCED = new Unsynced();

    private Loss() {}

    /** Returns {@code shortly}, or {@code atLength} where the long forms run. */
    static int count(int shortly, int atLength) {
        return LONG ? atLength : shortly;
    }

    /**
     * What became of injected faults.
     *
     * @param injected how many
     * @param detected of these, how many were said to be there
     * @param harmless of these, how many left the whole state in spite of what was said
     * @param lost how many gave a wrong state, or an older one than was promised
     */
    record Tally(int injected, int detected, int harmless, int lost) {
        static final Tally NONE = new Tally(0, 0, 0, 0);

        Tally plus(boolean isDetected, boolean isHarmless, boolean isLost) {
            return new Tally(
                    injected + 1,
                    detected + (isDetected ? 1 : 0),
                    harmless + (isHarmless ? 1 : 0),
                    lost + (isLost ? 1 : 0));
        }

        /** Counts a fault that was found before, or by going on from what it damaged. */
        Tally plus(boolean found, Reopened reopened) {
            return plus(
                    found || reopened == Reopened.REFUSED,
                    reopened == Reopened.WHOLE,
                    reopened == Reopened.LOST);
        }

        /** Notes the tally as a row of the fault table in {@code target/loss.md}. */
        Tally report(String kind) {
            try {
                Path target = Path.of(System.getProperty("basedir", ""), "target", "loss.md");
                Files.writeString(
                        target,
                        "| %s | %,d | %,d | %,d | %,d |%n"
                                .formatted(kind, injected, detected, harmless, lost),
                        StandardCharsets.UTF_8,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return this;
        }
    }

    /** Returns the bytes of every file in a directory, by name. */
    static Map<String, byte[]> bytes(Path directory) throws IOException {
        Map<String, byte[]> bytes = new TreeMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                bytes.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return bytes;
    }

    /** Makes a directory hold exactly these files. */
    static void restore(Path directory, Map<String, byte[]> bytes) throws IOException {
        Files.createDirectories(directory);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (!bytes.containsKey(file.getFileName().toString())) {
                    Files.delete(file);
                }
            }
        }
        for (Map.Entry<String, byte[]> file : bytes.entrySet()) {
            Files.write(directory.resolve(file.getKey()), file.getValue());
        }
    }

    private static final class Unsynced extends ForwardingFiles {
        @Override
        public void force(FileChannel channel, Path file, boolean metaData) {}

        @Override
        public void syncDirectory(Path directory) {}
    }
}
