package ds.cli;

import ds.core.IoReason;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Tries, before any work begins, whether results can be written where options say; leaves nothing. */
final class Targets {
    private Targets() {}

    /**
     * Tries a file, whose folder must exist.
     *
     * @throws UserMistakeException if it cannot be written
     */
    static void file(String option, Path file) {
        if (Files.isDirectory(file)) {
            throw new UserMistakeException(
                    "%s is '%s', which is a directory; name a file.".formatted(option, file));
        }
        boolean present = Files.exists(file);
        try {
            FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE).close();
            if (!present) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UserMistakeException(
                    "%s is '%s', which cannot be written: %s. Name a file that can be written."
                            .formatted(option, file, IoReason.of(e)),
                    e);
        }
    }

    /**
     * Tries a file, whose folder is made with it.
     *
     * @throws UserMistakeException if it cannot be written
     */
    static void made(String option, Path file) {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(folder)) {
            file(option, file);
        } else {
            directory(option, folder);
        }
    }

    /**
     * Tries a directory, or where it would be made.
     *
     * @throws UserMistakeException if nothing can be written there
     */
    static void directory(String option, Path directory) {
        Path at = directory.toAbsolutePath();
        for (Path up = at.getParent(); !Files.exists(at) && up != null; up = at.getParent()) {
            at = up;
        }
        if (!Files.isDirectory(at)) {
            throw new UserMistakeException(
                    "%s is '%s', but '%s' is not a directory. Name another one."
                            .formatted(option, directory, at));
        }
        try {
            Files.delete(Files.createTempFile(at, ".ds", ""));
        } catch (IOException e) {
            throw new UserMistakeException(
                    "%s is '%s', where nothing can be written: %s. Name a directory that can be written."
                            .formatted(option, directory, IoReason.of(e)),
                    e);
        }
    }
}
