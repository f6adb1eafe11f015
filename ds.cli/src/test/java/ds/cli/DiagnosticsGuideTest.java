package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code docs/diagnostics.md} has every code, each with an example that is really said; and the
 * README shows what is really said. {@code -Dds.golden.update=true} writes the outputs anew.
 */
class DiagnosticsGuideTest {
    private static final Pattern SECTION =
            Pattern.compile(
                    "### `([a-z-]+)`\n(.*?)```(json|sh)([^\n]*)\n(.*?)```\n```text\n(.*?)```\n",
                    Pattern.DOTALL);
    private static final Pattern HEADING = Pattern.compile("### `([a-z-]+)`\n");
    private static final Pattern SERIES = Pattern.compile(", and so on to \"key(\\d+)\": \\d+\\}");
    private static final Pattern MADE =
            Pattern.compile(
                    "Diagnostic\\s*\\.(?:error|warning|note|refused)\\(\\s*\"([a-z]+(?:-[a-z]+)*)\"");
    private static final Pattern README_EXAMPLE =
            Pattern.compile(
                    "<!-- said by: (.*?) -->\n```json\n(.*?)```\n```text\n(.*?)```\n",
                    Pattern.DOTALL);

    private static final Path ROOT = root();

    @TempDir private Path folder;

    private static Path root() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.exists(at.resolve("docs/diagnostics.md"))) {
            at = at.getParent();
        }
        return at;
    }

    @Test
    void everyCodeInTheSourcesIsInTheGuide() throws IOException {
        TreeSet<String> made = new TreeSet<>();
        for (Path source : sources()) {
            Matcher matcher = MADE.matcher(Files.readString(source));
            matcher.results().map(m -> m.group(1)).forEach(made::add);
        }
        assertTrue(made.size() > 15, made::toString);
        made.removeAll(headings());
        assertEquals(new TreeSet<String>(), made, "codes that docs/diagnostics.md does not have");
    }

    @Test
    void everyExampleIsReallySaid() throws IOException {
        String guide = Files.readString(ROOT.resolve("docs/diagnostics.md"));
        List<String> shown = new ArrayList<>();
        StringBuilder anew = new StringBuilder();
        Matcher section = SECTION.matcher(guide);
        while (section.find()) {
            String code = section.group(1);
            shown.add(code);
            String said = said(code, section);
            assertFalse(said.isEmpty(), () -> "no " + code + " is said by its example");
            section.appendReplacement(
                    anew,
                    Matcher.quoteReplacement(
                            guide.substring(section.start(), section.start(6)) + said + "```\n"));
        }
        section.appendTail(anew);
        assertEquals(headings(), shown, "every code has an example");
        compare(ROOT.resolve("docs/diagnostics.md"), guide, anew.toString());
    }

    @Test
    void theReadmeShowsWhatIsReallySaid() throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        StringBuilder anew = new StringBuilder();
        Matcher example = README_EXAMPLE.matcher(readme);
        int examples = 0;
        while (example.find()) {
            examples++;
            List<Object> words = new ArrayList<>(List.of(example.group(1).split(" ")));
            words.removeFirst();
            Path file = Files.writeString(folder.resolve("ds_config.json"), example.group(2));
            words.set(words.indexOf("ds_config.json"), file);
            String said =
                    plain(Ran.ds(words.toArray()).results(), file)
                            .replaceAll("\n\n[^\n]*\n$", "\n");
            example.appendReplacement(
                    anew,
                    Matcher.quoteReplacement(
                            readme.substring(example.start(), example.start(3)) + said + "```\n"));
        }
        example.appendTail(anew);
        assertEquals(5, examples);
        compare(ROOT.resolve("README.md"), readme, anew.toString());
    }

    private static void compare(Path file, String before, String anew) throws IOException {
        if (Boolean.getBoolean("ds.golden.update")) {
            Files.writeString(file, anew);
        } else {
            assertEquals(before, anew);
        }
    }

    private static List<String> headings() throws IOException {
        String guide = Files.readString(ROOT.resolve("docs/diagnostics.md"));
        return HEADING.matcher(guide).results().map(m -> m.group(1)).toList();
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> modules = Files.list(ROOT)) {
            List<Path> roots =
                    modules.map(m -> m.resolve("src/main/java"))
                            .filter(Files::isDirectory)
                            .toList();
            List<Path> sources = new ArrayList<>();
            for (Path root : roots) {
                try (Stream<Path> files = Files.walk(root)) {
                    files.filter(f -> f.toString().endsWith(".java")).forEach(sources::add);
                }
            }
            return sources;
        }
    }

    /** Returns what the example of a section says about its code. */
    private String said(String code, MatchResult section) throws IOException {
        String example = section.group(5);
        if (section.group(3).equals("sh")) {
            String[] words = example.strip().split(" ");
            Ran ran = Ran.ds((Object[]) java.util.Arrays.copyOfRange(words, 1, words.length));
            boolean json = example.contains("--format json");
            return json ? ran.results() : blocks(ran.results(), code);
        }
        Path file = Files.writeString(folder.resolve("ds_config.json"), whole(example));
        String how = section.group(4).strip();
        if (how.equals("plan")) {
            Path data = Files.writeString(folder.resolve("text.txt"), "to be or not ".repeat(60));
            Ran ran =
                    Ran.ds(
                            "plan",
                            "--config",
                            file,
                            "--data",
                            data,
                            "--model",
                            "gpt:layers=1,width=16,heads=2,context=16");
            assertEquals(2, ran.status(), ran.messages());
            return plain(ran.messages(), file);
        }
        List<Object> words = new ArrayList<>(List.of("config", "check", file));
        if (how.startsWith("world-size=")) {
            words.addAll(List.of("--world-size", how.substring("world-size=".length())));
        }
        return plain(blocks(Ran.ds(words.toArray()).results(), code), file);
    }

    private static String whole(String example) {
        return SERIES.matcher(example)
                .replaceFirst(
                        match ->
                                IntStream.rangeClosed(3, Integer.parseInt(match.group(1)))
                                        .mapToObj(i -> ", \"key%d\": %d".formatted(i, i))
                                        .collect(Collectors.joining("", "", "}")));
    }

    private static String plain(String said, Path file) {
        return said.replace(file.toString(), "ds_config.json");
    }

    /** Returns the blocks about one code. */
    private static String blocks(String said, String code) {
        return Stream.of(said.split("\n\n"))
                .map(
                        block ->
                                block.replaceFirst(
                                        "\n[^\n ][^\n]*: (ok|has mistakes|sound, but cannot run here)( \\(.*\\))?\n?$",
                                        ""))
                .filter(block -> block.lines().findFirst().orElse("").endsWith("[" + code + "]"))
                .collect(Collectors.joining("\n\n", "", "\n"))
                .replaceFirst("^\n$", "");
    }
}
