package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The scripts for Windows, which are only read here: they start what the others start, and keep to
 * the rules of cmd.exe that a path with a space, a parenthesis or an exclamation mark needs.
 */
class LaunchersTest {
    private static final Path ROOT = Path.of(System.getProperty("ds.root", ".."));

    /** What each script calls what the other calls differently. */
    private static final Map<String, String> NAMES =
            Map.of(
                    "%ROOT%.", "$root",
                    "%MODULES%", "$modules",
                    "%PLUGINS%", "${DS_PLUGINS:+:$DS_PLUGINS}",
                    "%DS_JAVA_OPTIONS%", "${DS_JAVA_OPTIONS:-}",
                    "%*", "$@");

    /** Returns the options of every start of {@code java}, in order. */
    private static List<List<String>> options(String script, String java, String continuation)
            throws IOException {
        String text =
                Files.readString(ROOT.resolve(script))
                        .replace("\r\n", "\n")
                        .replace(continuation + "\n", " ");
        List<List<String>> starts = new ArrayList<>();
        for (String line : text.lines().filter(each -> each.contains(java)).toList()) {
            String command = line.substring(line.indexOf(java) + java.length());
            for (Map.Entry<String, String> name : NAMES.entrySet()) {
                command = command.replace(name.getKey(), name.getValue());
            }
            starts.add(Stream.of(command.replace("\"", "").trim().split("\\s+")).toList());
        }
        return starts;
    }

    @Test
    void bothScriptsStartTheSame() throws IOException {
        List<List<String>> starts = options("ds", "\"$JAVA_HOME/bin/java\"", "\\");
        assertEquals(2, starts.size());
        assertEquals(starts, options("ds.cmd", "\"%JAVA_HOME%\\bin\\java.exe\"", "^"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ds.cmd", "mvnw.cmd"})
    void everyLineEndsAsWindowsWantsItAndNoPathIsBare(String script) throws IOException {
        String text = Files.readString(ROOT.resolve(script));
        assertEquals(text, text.replace("\r\n", "\n").replace("\n", "\r\n"), "line ends");
        assertTrue(text.contains("setlocal EnableExtensions DisableDelayedExpansion"));
        Pattern quoted = Pattern.compile("\"[^\"\r\n]*\"");
        List<String> paths = List.of("ROOT", "MODULES", "STAMP", "CANDIDATE", "FOUND", "JAVA_HOME");
        for (String line : text.lines().filter(each -> !each.startsWith("rem ")).toList()) {
            String bare = quoted.matcher(line.replace("%JAVA_HOME:\"=%", "")).replaceAll("");
            for (String path : paths) {
                assertTrue(!bare.contains("%" + path + "%"), () -> path + " is bare: " + line);
            }
        }
    }
}
