package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A mistake of the user ends a command with one sentence and the exit status 2. */
class CommandMistakesTest {
    @TempDir private Path temporary;

    private SmallRun small;
    private Path config;
    private Path text;

    @BeforeEach
    void writeInputs() throws IOException {
        small = SmallRun.in(temporary);
        config = small.config();
        text = small.text();
    }

    private static void assertMistake(String part, Ran ran) {
        assertEquals(2, ran.status(), ran.messages());
        assertEquals("", ran.results());
        assertTrue(ran.messages().contains(part), ran.messages());
    }

    private void assertConfigMistake(String part, String json, Object... more) throws IOException {
        Path path = Files.writeString(temporary.resolve("wrong.json"), json);
        List<Object> words =
                new ArrayList<>(
                        List.of(
                                "train",
                                "--config",
                                path,
                                "--data",
                                text,
                                "--model",
                                SmallRun.MODEL,
                                "--steps",
                                1));
        words.addAll(List.of(more));
        Ran ran = Ran.ds(words.toArray());
        assertEquals(2, ran.status(), ran.messages());
        String message = ran.messages().toLowerCase(Locale.ROOT);
        assertTrue(message.contains(part.toLowerCase(Locale.ROOT)), ran.messages());
        assertFalse(ran.messages().contains("\tat "), ran.messages());
    }

    @Test
    void mistakesEndWithTwoAndOneSentence() throws IOException {
        assertMistake("ds: there is no command 'trian'. Did you mean 'train'?;", Ran.ds("trian"));
        assertMistake(
                "there is no option '--stpes'. Did you mean '--steps'?", small.train("--stpes", 4));
        assertMistake("Invalid value for option '--steps'", small.train("--steps", "many"));
        assertMistake("--steps is -1; it must be at least 1.", small.train("--steps", -1));
        assertMistake("--steps is 0; it must be at least 1.", small.train("--steps", 0));
        assertMistake("--world-size is 0; it must be at least 1.", small.train("--world-size", 0));
        assertMistake("--save-every is 0; it must be at least 1.", small.train("--save-every", 0));
        assertMistake("There is no checkpoint in ", small.train("--resume", temporary));
        assertMistake(
                "--generation previous goes back in an offload store, and --resume names none",
                small.train("--generation", "previous"));
        assertMistake(
                "does not exist", Ran.ds("train", "--config", config, "--data", "absent.txt"));
        assertMistake("There is no file 'absent.json'", Ran.ds("train", "--config", "absent.json"));
        assertMistake("No model provider is named 'gtp'", small.trainModel("gtp"));
        assertMistake("is not a key here", small.trainModel("gpt:layer=2"));
        assertMistake(
                "Model gpt learns from tokens",
                Ran.ds(
                        "train",
                        "--config",
                        config,
                        "--target",
                        "0",
                        "--data",
                        Files.writeString(temporary.resolve("t.csv"), "1,2\n3,4\n5,6\n"),
                        "--eval-split",
                        0));
        Path tiny = Files.writeString(temporary.resolve("small.txt"), "too small");
        assertMistake(
                "one window of context 16 needs 17",
                Ran.ds("train", "--config", config, "--data", tiny, "--model", SmallRun.MODEL));
        assertMistake(
                "there is no option '--bogus'; 'ds plan --help' lists them.",
                Ran.ds("plan", "--bogus"));
        assertMistake("There is no checkpoint in ", Ran.ds("checkpoint", "verify", temporary));
        assertMistake("There is no key 'stge'; did you mean ", Ran.ds("config", "explain", "stge"));
        assertFalse(small.trainModel("gtp").messages().contains("\tat "));
        assertTrue(small.trainModel("gtp", "--stacktrace").messages().contains("\tat "));
    }

    @Test
    void aResultThatCannotBeWrittenIsSaidBeforeWorkBegins() throws IOException {
        Path absent = temporary.resolve("absent");
        Path plot = absent.resolve("loss.svg");
        Ran ran = small.train("--steps", 1, "--plot", plot);
        assertMistake(
                "ds: --plot is '%s', which cannot be written: there is no folder '%s'. Name a file that can be written."
                        .formatted(plot, absent),
                ran);
        assertFalse(ran.messages().contains("device host"), ran.messages());
        assertMistake("which is a directory; name a file.", small.train("--plot", temporary));
        Path below = text.resolve("run");
        assertMistake(
                "ds: --save is '%s', but '%s' is not a directory. Name another one."
                        .formatted(below, text),
                small.train("--save", below));
        assertMistake(
                "--plot-schedule is '%s', which cannot be written: there is no".formatted(plot),
                Ran.ds("plan", "--config", config, "--data", text, "--plot-schedule", plot));
        Path made = absent.resolve("ds.json");
        assertMistake(
                "ds: Cannot write %s: there is no folder '%s'. Name a file that"
                        .formatted(made, absent),
                Ran.ds("init", made));
        assertMistake(
                "ds: Cannot read the model file %s: there is no folder '%s'. Name a JSON file"
                        .formatted(made, absent),
                small.trainModel(made.toString()));
        Path folder = Files.createDirectory(temporary.resolve("model.json"));
        assertMistake(
                "ds: The model file %s is a directory; name a JSON file.".formatted(folder),
                small.trainModel(folder.toString()));
        assertFalse(Files.exists(absent));
        Path run = temporary.resolve("a/b");
        Path drawn = temporary.resolve("loss.svg");
        assertMistake(
                "No model provider is named",
                small.trainModel("gtp", "--save", run, "--plot", drawn));
        assertFalse(Files.exists(run.getParent()) || Files.exists(drawn), "nothing is left there");
    }

    @Test
    void aModelBeyondReasonIsOneClearError() {
        assertMistake(
                "'width' must be an integer, from 1 to 1048576, was 2000000000.",
                small.trainModel("gpt:width=2000000000"));
        assertMistake(
                "'layers' must be an integer, from 1 to 10000, was 2000000000.",
                small.trainModel("gpt:layers=2000000000"));
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void aPipeThatNobodyFillsIsNotWaitedFor() throws Exception {
        Path pipe = temporary.resolve("pipe");
        Assumptions.assumeTrue(
                new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0);
        Ran checked = Ran.ds("config", "check", pipe);
        assertEquals(2, checked.status());
        assertTrue(
                checked.results()
                        .contains("'%s' is a pipe or a device, not a file.".formatted(pipe)),
                checked.results());
        assertMistake("is a pipe or a device, not a file", Ran.ds("train", "--config", pipe));
        assertMistake(
                "Data %s is a pipe or a device; give a file.".formatted(pipe),
                Ran.ds("train", "--config", config, "--data", pipe));
    }

    @Test
    void aConfigurationThatCannotRunSaysWhy() throws IOException {
        String batch = "\"train_batch_size\": 8, \"train_micro_batch_size_per_gpu\": 2";
        String adam = "\"optimizer\": {\"type\": \"AdamW\", \"params\": {\"lr\": 0.01}}";
        assertConfigMistake("ends", "{" + batch + ", ");
        assertConfigMistake(
                "adamx", "{" + batch + ", \"optimizer\": {\"type\": \"AdamX\", \"params\": {}}}");
        assertConfigMistake(
                "'learning_rate' is not a key here",
                "{"
                        + batch
                        + ", \"optimizer\": {\"type\": \"AdamW\", \"params\": {\"learning_rate\": 1}}}");
        assertConfigMistake(
                "train_batch_size 8 is not 2",
                "{" + batch + ", \"gradient_accumulation_steps\": 3, " + adam + "}",
                "--world-size",
                2);
        Path file = Files.writeString(temporary.resolve("file"), "x");
        assertConfigMistake(
                "cannot be used",
                "{"
                        + batch
                        + ", "
                        + adam
                        + ", \"zero_optimization\": {\"stage\": 1, \"offload_optimizer\": "
                        + "{\"device\": \"nvme\", \"nvme_path\": \""
                        + file.resolve("below")
                        + "\"}}}");
        assertConfigMistake("names no optimizer", "{" + batch + "}");
    }

    @Test
    void whereMetricsCannotBeWrittenIsSaidBeforeTraining() throws IOException {
        Path folder = Files.createDirectory(temporary.resolve("folder"));
        Path file = Files.writeString(temporary.resolve("file"), "");
        for (Path metrics : List.of(folder, file.resolve("metrics.jsonl"))) {
            Ran ran = small.train("--steps", 2, "--metrics", metrics);
            assertEquals(2, ran.status(), ran.messages());
            assertTrue(
                    ran.messages().startsWith("ds: --metrics is '%s'".formatted(metrics))
                            || ran.messages().startsWith("ds: --metrics is '%s'".formatted(file)),
                    ran.messages());
        }
        Path made = temporary.resolve("new/deeper/metrics.jsonl");
        assertEquals(0, small.train("--steps", 1, "--metrics", made).status());
        assertEquals(1, Files.readAllLines(made).size());
    }
}
