package ds.config;

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

/**
 * Reads a file as UTF-8, never more of it than a document may have: also a pipe or a device is read
 * to a bound only.
 */
final class TextFile {
    /** Why a file is no document; the message is a sentence. */
    static final class UnreadableException extends Exception {
        private static final long serialVersionUID = 1L;

        /** What to do about it. */
        private final String way;

        /** What is wrong. */
        private final String sentence;

        UnreadableException(String sentence, String way) {
            super(sentence);
            this.sentence = sentence;
            this.way = way;
        }

        String sentence() {
            return sentence;
        }

        String way() {
            return way;
        }
    }

    private static final String NAME_ONE = "Name a readable JSON file.";
    private static final int MOST_BYTES = 3 * DocumentParser.MOST_CHARACTERS;

    private TextFile() {}

    /** Returns the text of a file. */
    static String read(Path file) throws UnreadableException {
        if (Files.isDirectory(file)) {
            throw new UnreadableException(
                    "'%s' is a directory, not a file.".formatted(file), NAME_ONE);
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MOST_BYTES + 1);
            if (bytes.length > MOST_BYTES) {
                throw new UnreadableException(
                        "'%s' has more than %,d bytes.".formatted(file, MOST_BYTES), NAME_ONE);
            }
            return decoded(file, bytes);
        } catch (NoSuchFileException e) {
            throw new UnreadableException("There is no file '%s'.".formatted(file), NAME_ONE);
        } catch (AccessDeniedException e) {
            throw new UnreadableException(
                    "'%s' may not be read by this user.".formatted(file), NAME_ONE);
        } catch (IOException e) {
            throw new UnreadableException(
                    "'%s' cannot be read: %s.".formatted(file, e.getMessage()), NAME_ONE);
        }
    }

    private static String decoded(Path file, byte[] bytes) throws UnreadableException {
        if (isSixteenBit(bytes)) {
            throw new UnreadableException(
                    "'%s' is UTF-16 text.".formatted(file), "Save it as UTF-8.");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
        if (result.isError()) {
            int line = 1;
            for (int at = 0; at < in.position(); at++) {
                line += bytes[at] == '\n' ? 1 : 0;
            }
            throw new UnreadableException(
                    "'%s' is not UTF-8 text: its line %d has the byte 0x%02X."
                            .formatted(file, line, bytes[in.position()]),
                    "Save it as UTF-8.");
        }
        return out.flip().toString();
    }

    private static boolean isSixteenBit(byte[] bytes) {
        if (bytes.length < 2) {
            return false;
        }
        int mark = (bytes[0] & 0xff) << 8 | bytes[1] & 0xff;
        return mark == 0xfeff || mark == 0xfffe || bytes[0] == 0 || bytes[1] == 0;
    }
}
