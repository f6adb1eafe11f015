package ds.config;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;

/** Tells base64url of a document from the name of a file. */
final class Base64Text {
    private Base64Text() {}

    /** Returns the document, or empty if the text is not base64url of something that starts one. */
    static Optional<String> decode(String text) {
        try {
            String plain = text.strip().replace('+', '-').replace('/', '_');
            byte[] bytes = Base64.getUrlDecoder().decode(plain);
            String document =
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            boolean starts = document.stripLeading().matches("(?s)(\\uFEFF)?[{#/].*");
            return starts ? Optional.of(document) : Optional.empty();
        } catch (IllegalArgumentException | CharacterCodingException e) {
            return Optional.empty();
        }
    }

    static boolean isFile(String name) {
        try {
            return Files.exists(Path.of(name));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
