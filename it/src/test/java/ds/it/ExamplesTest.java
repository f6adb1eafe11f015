package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples do what their guides say, started as their guides say. */
class ExamplesTest {
    private static final Path TEXT =
            JavaPrograms.example("gpt-text").resolve("devils-dictionary.txt");

    private static final int TEXT_BYTES = 30_000;

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
    void embeddedProgramGoesOnWhereItStopped() throws Exception {
        String whole = embed("whole", 6);
        String first = embed("parts", 4);
        String second = embed("parts", 6);
        assertTrue(whole.contains("reproducible yes"), whole);
        assertTrue(whole.contains("The devil"), whole);
        assertEquals(List.of("1", "2", "3", "4"), steps(first));
        assertEquals(List.of("5", "6"), steps(second));
        assertEquals(number(whole, "6  loss (\\S+)"), number(second, "6  loss (\\S+)"));
        assertTrue(number(whole, "6  loss (\\S+)") < number(whole, "1  loss (\\S+)"), whole);
    }

    private String embed(String run, int steps) throws Exception {
        Path text = directory.resolve("book.txt");
        Files.write(text, Arrays.copyOf(Files.readAllBytes(TEXT), TEXT_BYTES));
        return run(
                JavaPrograms.command(
                        "embed",
                        "example.embed/example.embed.Embed",
                        JavaPrograms.example("embed").resolve("ds_config.json"),
                        text,
                        directory.resolve(run),
                        steps,
                        2));
    }

    private String run(List<String> command) throws Exception {
        Programs.Outcome outcome = Programs.run(directory, command);
        assertEquals(0, outcome.status(), outcome.err());
        return outcome.out();
    }

    private static List<String> steps(String printed) {
        return Pattern.compile("(?m)^(\\d+)  loss ")
                .matcher(printed)
                .results()
                .map(result -> result.group(1))
                .toList();
    }

    private static double number(String printed, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(printed);
        assertTrue(matcher.find(), "no '%s' in: %s".formatted(pattern, printed));
        return Double.parseDouble(matcher.group(1));
    }
}
