package ds.cli;

import ds.core.InputFiles;
import ds.core.IoReason;
import ds.core.KeyDeclaration;
import ds.core.ProviderCall;
import ds.core.ProviderTable;
import ds.core.Settings;
import ds.model.Models;
import ds.model.TrainableModel;
import ds.model.spi.ModelProvider;
import ds.model.spi.ModelProvider.DataShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A model as named on the command line: {@code gpt}, {@code gpt:layers=4,width=128},
 * {@code mlp:hidden=64x32}, or a JSON file {@code {"model": "gpt", "layers": 4}}.
 *
 * @param provider who makes it
 * @param settings checked, with defaults
 */
record ModelSpec(ModelProvider provider, Settings settings) {
    private static final String MODEL = "model";
    private static final int CONTEXT = 128;

    static ModelSpec parse(String text) {
        Map<String, Object> raw = new LinkedHashMap<>();
        String name;
        if (text.endsWith(".json")) {
            raw.putAll(file(Path.of(text)));
            Object named = raw.remove(MODEL);
            if (!(named instanceof String word)) {
                throw new UserMistakeException(
                        "%s does not name its model; add \"model\": \"gpt\".".formatted(text));
            }
            name = word;
        } else {
            int colon = text.indexOf(':');
            name = colon < 0 ? text : text.substring(0, colon);
            if (colon >= 0) {
                Words.read("--model", text.substring(colon + 1), raw);
            }
        }
        ProviderTable<ModelProvider> models = Models.in(ModuleLayer.boot());
        ModelProvider provider = models.require(name);
        List<KeyDeclaration> declared =
                new ProviderCall(MODEL, provider).settings(provider::settings);
        Map<String, Object> typed = new LinkedHashMap<>();
        raw.forEach((key, value) -> typed.put(key, Words.typed(declared, key, value)));
        Settings.Checked checked = Settings.validate(declared, typed, "");
        if (!checked.isUsable()) {
            throw new UserMistakeException(Words.problems("Model '" + text + "'", checked));
        }
        return new ModelSpec(provider, checked.settings());
    }

    private static Map<String, Object> file(Path file) {
        Map<String, Object> members = new LinkedHashMap<>();
        Optional<String> other = InputFiles.otherThanFile(file);
        if (other.isPresent()) {
            throw new UserMistakeException(
                    "The model file %s is %s; name a JSON file.".formatted(file, other.get()));
        }
        try (JsonParser parser =
                new JsonFactory().createParser(ObjectReadContext.empty(), Files.readString(file))) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new UserMistakeException(
                        "%s holds no JSON object; write {\"model\": \"gpt\", \"layers\": 4}."
                                .formatted(file));
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                members.put(name, value(file, name, parser));
            }
        } catch (IOException e) {
            throw new UserMistakeException(
                    "Cannot read the model file %s: %s. Name a JSON file, or a model such as gpt:layers=4."
                            .formatted(file, IoReason.of(e)),
                    e);
        } catch (JacksonException e) {
            throw new UserMistakeException(
                    "%s is no JSON: %s.".formatted(file, e.getOriginalMessage()), e);
        }
        return members;
    }

    private static Object value(Path file, String name, JsonParser parser) {
        return switch (parser.currentToken()) {
            case VALUE_STRING -> parser.getString();
            case VALUE_NUMBER_INT -> parser.getLongValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case START_ARRAY -> {
                List<Object> items = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    items.add(value(file, name, parser));
                }
                yield items;
            }
            default ->
                    throw new UserMistakeException(
                            "%s: '%s' must be a number, a text, a truth value or a list of them."
                                    .formatted(file, name));
        };
    }

    /** Returns the length of one window of tokens. */
    int context() {
        return settings.intOr("context", CONTEXT);
    }

    /** Makes the model for data of that shape. */
    TrainableModel create(DataShape shape) {
        try {
            return provider.create(settings, shape);
        } catch (IllegalArgumentException e) {
            throw new UserMistakeException(
                    Optional.ofNullable(e.getMessage()).orElse(e.toString()), e);
        }
    }

    /** Returns the text that makes the same model again, whatever the defaults are then. */
    String canonical() {
        StringBuilder text = new StringBuilder(provider.name());
        char separator = ':';
        for (String name : settings.names()) {
            text.append(separator).append(name).append('=');
            separator = ',';
            if (settings.value(name).orElseThrow() instanceof List<?> list) {
                StringBuilder items = new StringBuilder();
                list.forEach(item -> items.append(items.isEmpty() ? "" : "x").append(item));
                text.append(items);
            } else {
                text.append(settings.value(name).orElseThrow());
            }
        }
        return text.toString();
    }
}
