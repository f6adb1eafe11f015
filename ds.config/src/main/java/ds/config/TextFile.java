package ds.config;

import ds.core.Diagnostic;
import ds.core.InputFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a file holds, as UTF-8 text. Never more of it is read than a document may have, so that a
 * descriptor that the shell opened is read to a bound only.
 *
 * @param text the text; {@code ""} if there is a problem
 * @param problem why the file is no document, if it is none
 */
record TextFile(String text, Optional<Diagnostic> problem) {
    private static final int MOST_BYTES = 3 * DocumentParser.MOST_CHARACTERS;

    /** Reads a file. */
    static TextFile read(Path file) {
        Optional<String> other = InputFiles.otherThanFile(file);
        if (other.isPresent()) {
            return unreadable("'%s' is %s, not a file.".formatted(file, other.get()));
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MOST_BYTES + 1);
            return bytes.length > MOST_BYTES
                    ? unreadable("'%s' has more than %,d bytes.".formatted(file, MOST_BYTES))
                    : decoded(file, bytes);
        } catch (NoSuchFileException e) {
            return unreadable("There is no file '%s'.".formatted(file));
        } catch (AccessDeniedException e) {
            return unreadable("'%s' may not be read by this user.".formatted(file));
        } catch (IOException e) {
            return unreadable("'%s' cannot be read: %s.".formatted(file, e.getMessage()));
        }
    }

    private static TextFile decoded(Path file, byte[] bytes) {
        if (isSixteenBit(bytes)) {
            return problem("'%s' is UTF-16 text.".formatted(file), "Save it as UTF-8.");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
        if (!result.isError()) {
            return new TextFile(out.flip().toString(), Optional.empty());
        }
        int line = 1;
        for (int at = 0; at < in.position(); at++) {
            line += bytes[at] == '\n' ? 1 : 0;
        }
        return problem(
                "'%s' is not UTF-8 text: its line %d has the byte 0x%02X."
                        .formatted(file, line, bytes[in.position()]),
                "Save it as UTF-8.");
    }

    private static boolean isSixteenBit(byte[] bytes) {
        if (bytes.length < 2) {
            return false;
        }
        int mark = (bytes[0] & 0xff) << Byte.SIZE | bytes[1] & 0xff;
        return mark == 0xfeff || mark == 0xfffe || bytes[0] == 0 || bytes[1] == 0;
    }

    private static TextFile unreadable(String message) {
        return problem(message, "Name a readable JSON file.");
    }

    private static TextFile problem(String message, String way) {
        return new TextFile("", Optional.of(Diagnostic.error("file", "", message, way)));
    }
}
