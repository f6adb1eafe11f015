package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.CheckOptions;
import ds.core.KeyDeclaration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Optimizers and schedules that are here have the settings that DeepSpeed's have, with the same
 * defaults: the lines {@code optimizer[adam].lr} of {@code testdata/config/keys.txt}.
 */
class PluginKeysTest {
    private static final Pattern SETTING =
            Pattern.compile(
                    "^(optimizer|scheduler)\\[(\\w+)]\\.(\\w+) \\S+ (\\S+) .*", Pattern.MULTILINE);

    private static String list() throws IOException {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.exists(at.resolve("testdata/config/keys.txt"))) {
            at = at.getParent();
        }
        return Files.readString(at.resolve("testdata/config/keys.txt"));
    }

    @Test
    void pluginsHaveTheSettingsOfDeepSpeeds() throws IOException {
        CheckOptions here = Setup.plugins(CheckOptions.none());
        List<String> wrong = new ArrayList<>();
        int held = 0;
        for (Matcher setting = SETTING.matcher(list()); setting.find(); ) {
            Map<String, List<KeyDeclaration>> plugins =
                    setting.group(1).equals("optimizer") ? here.optimizers() : here.schedulers();
            if (!plugins.containsKey(setting.group(2))) {
                continue; // not here yet
            }
            held++;
            Optional<KeyDeclaration> key =
                    plugins.getOrDefault(setting.group(2), List.of()).stream()
                            .filter(k -> k.name().equals(setting.group(3)))
                            .findFirst();
            if (key.isEmpty() || !sameDefault(setting.group(4), key.get())) {
                wrong.add(setting.group() + ", not " + key.map(KeyDeclaration::defaultValue));
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(held > 25, held + " settings");
    }

    private static boolean sameDefault(String usual, KeyDeclaration key) {
        String value = key.defaultValue().map(Json::of).orElse("-").replaceAll("\\s", "");
        return usual.equals("?") || plain(usual).equals(plain(value));
    }

    /** Writes a number as a {@code double} is written; everything else stays. */
    private static String plain(String value) {
        return value.matches("-?[0-9].*") ? Double.toString(Double.parseDouble(value)) : value;
    }
}
