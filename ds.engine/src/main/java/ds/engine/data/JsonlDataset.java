package ds.engine.data;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** JSON lines: objects with a {@code text}, joined by line feeds into one text of bytes. */
public final class JsonlDataset {
    private static final JsonFactory FACTORY = new JsonFactory();
    private static final String KEY = "text";

    private JsonlDataset() {}

    /**
     * Reads the texts of a file, plain or gzip.
     *
     * @param context tokens of one window
     * @throws DataException naming the line that is no object with a {@code text}
     */
    public static TextDataset read(Path file, int context) {
        byte[] bytes = DataFiles.readAll(file);
        ByteArrayOutputStream texts = new ByteArrayOutputStream(bytes.length);
        try (JsonParser parser =
                FACTORY.createParser(
                        ObjectReadContext.empty(), new String(bytes, StandardCharsets.UTF_8))) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                int line = parser.currentTokenLocation().getLineNr();
                texts.writeBytes(text(file, line, parser).getBytes(StandardCharsets.UTF_8));
                texts.write('\n');
            }
        } catch (JacksonException e) {
            throw new DataException(
                    "%s line %,d: %s. Each line must be a JSON object with a 'text'."
                            .formatted(
                                    file,
                                    e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                                    e.getOriginalMessage()),
                    e);
        }
        return TextDataset.of(file.toString(), texts.toByteArray(), context);
    }

    private static String text(Path file, int line, JsonParser parser) {
        String text = null;
        if (parser.currentToken() == JsonToken.START_OBJECT) {
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                boolean wanted = parser.currentName().equals(KEY);
                JsonToken value = parser.nextToken();
                if (wanted && value == JsonToken.VALUE_STRING) {
                    text = parser.getString();
                }
                parser.skipChildren();
            }
        }
        if (text == null) {
            throw new DataException(
                    "%s line %,d is no JSON object with a string 'text'; give each line one."
                            .formatted(file, line));
        }
        return text;
    }
}
