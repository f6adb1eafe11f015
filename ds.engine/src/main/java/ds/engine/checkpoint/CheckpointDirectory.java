package ds.engine.checkpoint;

import ds.offload.FileOperations;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The names in a directory of checkpoints: {@code step-00000020}, and {@code step-00000020.1} where
 * the same step was saved again (a directory with a manifest is never written to).
 */
final class CheckpointDirectory {
    static final String LATEST = "latest";
    private static final Pattern NAME = Pattern.compile("step-\\d{8,19}(\\.\\d{1,6})?");

    private CheckpointDirectory() {}

    static boolean isName(String name) {
        return NAME.matcher(name).matches();
    }

    /** Returns the directories with a checkpoint's name, in no order; links are passed over. */
    static List<Path> all(Path root) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
            for (Path entry : entries) {
                if (isName(entry.getFileName().toString())
                        && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    found.add(entry);
                }
            }
        }
        return found;
    }

    static boolean isCommitted(Path directory) {
        return Files.isRegularFile(directory.resolve(Manifest.FILE), LinkOption.NOFOLLOW_LINKS);
    }

    static Path createUnique(Path root, long step) throws IOException {
        String name = String.format(Locale.ROOT, "step-%08d", step);
        for (int attempt = 0; ; attempt++) {
            Path directory = root.resolve(attempt == 0 ? name : name + "." + attempt);
            try {
                return Files.createDirectory(directory);
            } catch (FileAlreadyExistsException e) {
                if (attempt == 999_999) {
                    throw e;
                }
            }
        }
    }

    /** Removes what interrupted saves left; the caller holds the directory's lock. */
    static void removeDebris(Path root) throws IOException {
        for (Path directory : all(root)) {
            if (!isCommitted(directory)) {
                removeQuietly(directory);
            }
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(root, LATEST + ".tmp-*")) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
        }
    }

    static void removeQuietly(Path directory) {
        try {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
                for (Path entry : entries) {
                    Files.deleteIfExists(entry);
                }
            }
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            System.getLogger(CheckpointDirectory.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            "Cannot remove the unfinished checkpoint {0}: {1}",
                            directory,
                            e.getMessage());
        }
    }

    /** Returns one more than the largest sequence number of a readable manifest. */
    static long nextSequence(Path root) throws IOException {
        long largest = 0;
        for (Path directory : all(root)) {
            if (isCommitted(directory)) {
                byte[] text = Files.readAllBytes(directory.resolve(Manifest.FILE));
                largest = Math.max(largest, Manifest.sequence(text).orElse(0));
            }
        }
        return largest + 1;
    }

    /** Reads a small file whole, following no link. */
    static byte[] readAll(FileOperations files, Path file, int limitBytes) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            long size = channel.size();
            if (size > limitBytes) {
                throw new IOException(
                        "it has %,d bytes, at most %,d are expected".formatted(size, limitBytes));
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) size);
            readFully(files, channel, file, bytes, 0);
            return bytes.array();
        }
    }

    static void readFully(
            FileOperations files, FileChannel channel, Path file, ByteBuffer into, long position)
            throws IOException {
        long at = position;
        while (into.hasRemaining()) {
            int read = files.read(channel, file, into, at);
            if (read < 0) {
                throw new EOFException(
                        "it ends at byte %,d, %,d more are expected"
                                .formatted(at, into.remaining()));
            }
            at += read;
        }
    }
}
