package ds.core;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;

/** Why reading or writing a file failed, in words for people. */
public final class IoReason {
    private IoReason() {}

    /** Returns a clause without a full stop, such as {@code there is no folder '/a/b'}. */
    public static String of(IOException failure) {
        return switch (failure) {
            case NoSuchFileException e -> missing(Path.of(e.getFile()));
            case AccessDeniedException e ->
                    "this user has no permission for '%s'".formatted(e.getFile());
            case FileAlreadyExistsException e -> "'%s' exists already".formatted(e.getFile());
            case CharacterCodingException _ -> "it is not UTF-8 text";
            case FileSystemException e when e.getReason() != null ->
                    "'%s': %s".formatted(e.getFile(), e.getReason().toLowerCase(Locale.ROOT));
            default ->
                    Objects.requireNonNullElseGet(
                            failure.getMessage(), () -> failure.getClass().getSimpleName());
        };
    }

    private static String missing(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        return folder == null || Files.isDirectory(folder)
                ? "there is no file '%s'".formatted(file)
                : "there is no folder '%s'".formatted(folder);
    }
}
