package ds.offload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A small file of text that is there whole or not at all. */
final class WholeFile {
    /** Follows the name of a file that is being written. */
    static final String TEMPORARY = ".tmp";

    private WholeFile() {}

    /**
     * Writes it beside its place and renames it.
     *
     * @param durable whether it must survive lost power from now on
     */
    static void write(
            Path directory, String name, String text, FileOperations files, boolean durable)
            throws IOException {
        Path temporary = directory.resolve(name + TEMPORARY);
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        try (FileChannel channel =
                FileChannel.open(
                        temporary,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS)) {
            files.writeFully(channel, temporary, bytes, 0);
            if (durable) {
                files.force(channel, temporary, true);
            }
        }
        files.rename(temporary, directory.resolve(name));
        if (durable) {
            files.syncDirectory(directory);
        }
    }
}
