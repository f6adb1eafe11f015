package ds.engine.journal;

import ds.core.IoReason;
import ds.engine.spi.RunJournal;
import ds.offload.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Locale;

/**
 * One line per entry; a follower takes whole lines only. Numbers are written by {@link
 * Double#toString}, so that they read back as the same bits; what is not finite is one of the
 * strings {@code "inf" "-inf" "nan"}, as in metrics. Locked while it is open.
 */
final class JsonlJournal implements RunJournal {
    private static final byte[] BEGIN = "{\"step\":".getBytes(StandardCharsets.US_ASCII);

    private static final int LINE_BYTES_MAX = 4096;

    private final Path file;
    private final FileChannel channel;

    private JsonlJournal(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    static JsonlJournal open(Path file) {
        try {
            Path parent = file.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            FileChannel channel =
                    FileChannel.open(
                            file,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE);
            boolean whole = false;
            try {
                lock(file, channel);
                long end = endOfLines(file, channel);
                channel.truncate(end).position(end);
                whole = true;
                return new JsonlJournal(file, channel);
            } finally {
                if (!whole) {
                    channel.close();
                }
            }
        } catch (IOException e) {
            throw new StorageException(
                    "Cannot open the run journal %s: %s.".formatted(file, IoReason.of(e)), e);
        }
    }

    private static void lock(Path file, FileChannel channel) throws IOException {
        boolean free;
        try {
            free = channel.tryLock(Long.MAX_VALUE - 1, 1, false) != null; // readers may read
        } catch (OverlappingFileLockException e) {
            free = false;
        }
        if (!free) {
            throw new StorageException(
                    "The run journal %s is open in another run; end that run, or name another path."
                            .formatted(file));
        }
    }

    /** Returns where the last whole line ends: a crash may have cut the one behind it. */
    private static long endOfLines(Path file, FileChannel channel) throws IOException {
        byte[] head = bytes(channel, 0, BEGIN.length);
        long tailAt = Math.max(0, channel.size() - LINE_BYTES_MAX);
        byte[] tail = bytes(channel, tailAt, LINE_BYTES_MAX);
        int end = tail.length;
        while (end > 0 && tail[end - 1] != '\n') {
            end--;
        }
        if (!Arrays.equals(head, 0, head.length, BEGIN, 0, head.length) || end == 0 && tailAt > 0) {
            throw new StorageException(
                    "%s is not a run journal; name another path.".formatted(file));
        }
        return tailAt + end;
    }

    private static byte[] bytes(FileChannel channel, long from, int most) throws IOException {
        ByteBuffer into = ByteBuffer.allocate((int) Math.min(most, channel.size() - from));
        while (into.hasRemaining()) {
            if (channel.read(into, from + into.position()) < 0) {
                throw new IOException("the file was cut while it was read");
            }
        }
        return into.array();
    }

    @Override
    public void append(Entry entry) {
        String line =
                String.format(
                        Locale.ROOT,
                        "{\"step\":%d,\"commit\":%d,\"loss\":%s,\"grad_norm\":%s,\"lr\":%s,\"skipped\":%s,\"bytes\":%d}\n",
                        entry.step(),
                        entry.commit(),
                        number(entry.loss()),
                        number(entry.gradNorm()),
                        number(entry.lr()),
                        entry.skipped(),
                        entry.bytes());
        ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.US_ASCII));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw new StorageException(
                    "Writing step %,d to the run journal %s failed: %s."
                            .formatted(entry.step(), file, IoReason.of(e)),
                    e);
        }
    }

    private static String number(double value) {
        if (Double.isNaN(value)) {
            return "\"nan\"";
        }
        return Double.isInfinite(value) ? (value > 0 ? "\"inf\"" : "\"-inf\"") : "" + value;
    }

    @Override
    public void close() {
        try {
            channel.force(false);
            channel.close();
        } catch (IOException e) {
            throw new StorageException(
                    "Closing the run journal %s failed: %s.".formatted(file, IoReason.of(e)), e);
        }
    }
}
