package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples do what their guides say, started as their guides say. */
class ExamplesTest {
    private static final Path TEXT =
            JavaPrograms.example("gpt-text").resolve("devils-dictionary.txt");

    private static final int TEXT_BYTES = 30_000;
    private static final int STEPS = 8;

    @TempDir private Path directory;

    @Test
    void ownModelLearnsWhatGuessingCannot() throws Exception {
        Path home = JavaPrograms.example("own-model");
        String printed =
                run(
                        JavaPrograms.command(
                                "own-model",
                                "example.spirals/example.spirals.Train",
                                home.resolve("ds_config.json"),
                                home.resolve("spirals.csv"),
                                100));
        double guess = number(printed, "guess +(\\S+)");
        double first = number(printed, "validation (\\S+)");
        double last = number(printed, "step  100 .* validation (\\S+)");
        assertTrue(last < 0.3 * guess && last < first, printed);
    }

    @Test
    void ownModelsTableIsWhatItsFormulaGives() throws Exception {
        assertEquals(
                Files.readString(JavaPrograms.example("own-model").resolve("spirals.csv")),
                run(JavaPrograms.command("own-model", "example.spirals/example.spirals.Spirals")));
    }

    @Test
    void embeddedProgramKilledInMidTrainingGoesOnWithTheSameBits() throws Exception {
        Path nvme = Files.createDirectory(directory.resolve("nvme"));
        String config =
                Files.readString(JavaPrograms.example("embed").resolve("ds_config.json"))
                        .replace(
                                "\"stage\": 3",
                                "\"stage\": 3, \"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": \"%s\"}"
                                        .formatted(nvme));
        Files.writeString(directory.resolve("ds_config.json"), config);
        Files.write(
                directory.resolve("book.txt"), Arrays.copyOf(Files.readAllBytes(TEXT), TEXT_BYTES));

        String whole = run(embed("whole"));
        assertTrue(whole.contains("reproducible yes"), whole);
        assertTrue(whole.contains("The devil"), whole);
        assertEquals(STEPS, losses(whole).size());
        assertTrue(number(whole, "8  loss (\\S+)") < number(whole, "1  loss (\\S+)") - 0.3, whole);
        assertEquals(List.of(), entries(nvme));

        String cut = Programs.killAfter("6  loss", directory, embed("cut"));
        assertEquals(losses(whole).subList(0, 6), losses(cut));
        assertEquals(1, entries(nvme).size(), "the killed run left its store");

        String rest = run(embed("cut"));
        int resumed = STEPS - losses(rest).size();
        assertTrue(resumed == 3 || resumed == 6, rest);
        assertEquals(losses(whole).subList(resumed, STEPS), losses(rest));
        assertEquals(1, entries(nvme).size(), "a store that can be gone on from is left alone");
    }

    private List<String> embed(String run) {
        return JavaPrograms.command(
                "embed",
                "example.embed/example.embed.Embed",
                directory.resolve("ds_config.json"),
                directory.resolve("book.txt"),
                directory.resolve(run),
                STEPS,
                3);
    }

    private static List<Path> entries(Path path) throws IOException {
        try (Stream<Path> entries = Files.list(path)) {
            return entries.toList();
        }
    }

    private String run(List<String> command) throws Exception {
        Programs.Outcome outcome = Programs.run(directory, command);
        assertEquals(0, outcome.status(), outcome.err());
        return outcome.out();
    }

    private static List<String> losses(String printed) {
        return Pattern.compile("(?m)^\\d+  loss \\S+$")
                .matcher(printed)
                .results()
                .map(MatchResult::group)
                .toList();
    }

    private static double number(String printed, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(printed);
        assertTrue(matcher.find(), "no '%s' in: %s".formatted(pattern, printed));
        return Double.parseDouble(matcher.group(1));
    }
}
