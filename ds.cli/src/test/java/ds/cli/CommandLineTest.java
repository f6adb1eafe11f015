package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every command does its work or says in one sentence why not, with the right exit status. */
class CommandLineTest {
    private static final String MODEL = "gpt:layers=1,width=16,heads=2,context=16";

    @TempDir private Path temporary;

    private Path config;
    private Path text;

    private static Ran ds(Object... arguments) {
        return Ran.ds(arguments);
    }

    @BeforeEach
    void writeInputs() throws IOException {
        config =
                Files.writeString(
                        temporary.resolve("ds.json"),
                        """
                        {
                          "train_batch_size": 8, "train_micro_batch_size_per_gpu": 2,
                          "optimizer": {"type": "AdamW", "params": {"lr": 0.01}},
                          "bf16": {"enabled": true}, "zero_optimization": {"stage": 2}
                        }
                        """);
        text =
                Files.writeString(
                        temporary.resolve("text.txt"),
                        "It was the best of times, it was the worst of times. ".repeat(40));
    }

    @Test
    void aRunWhoseLossIsLostFails() throws IOException {
        Files.writeString(config, Files.readString(config).replace("0.01", "1e30"));
        Ran ran = train("--steps", 4);
        assertEquals(1, ran.status(), ran.messages());
        assertTrue(
                ran.messages().contains("ds: The loss of the last step, 4, is NaN, so"),
                ran.messages());
    }

    private Ran train(Object... more) {
        return trainModel(MODEL, more);
    }

    private Ran trainModel(String model, Object... more) {
        List<Object> words =
                new ArrayList<>(
                        List.of("train", "--config", config, "--data", text, "--model", model));
        words.addAll(List.of(more));
        return ds(words.toArray());
    }

    private static List<String> losses(Path metrics) throws IOException {
        List<String> losses = new ArrayList<>();
        for (String line : Files.readAllLines(metrics)) {
            losses.add(line.substring(0, line.indexOf(",\"lr\"")));
        }
        return losses;
    }

    @Test
    void aResumedRunRepeatsTheUninterruptedOneAtAnotherWorldSize() throws IOException {
        Path whole = temporary.resolve("whole.jsonl");
        Ran ran = train("--steps", 8, "--world-size", 2, "--metrics", whole, "--eval-every", 4);
        assertEquals(0, ran.status(), ran.messages());
        assertTrue(ran.messages().startsWith("device host: "), ran.messages());
        assertTrue(ran.messages().contains("step 8: validation loss "), ran.messages());
        assertTrue(ran.results().contains("* training loss   o validation loss"), ran.results());
        assertTrue(ran.results().contains("nats per byte, byte bigram "), ran.results());
        assertTrue(ran.results().contains("sample:\nThe "), ran.results());

        Path part = temporary.resolve("part.jsonl");
        Path run = temporary.resolve("run");
        train("--steps", 5, "--world-size", 1, "--metrics", part, "--save", run);
        Path plot = temporary.resolve("loss.svg");
        Ran resumed =
                train(
                        "--steps",
                        8,
                        "--world-size",
                        2,
                        "--metrics",
                        part,
                        "--resume",
                        run,
                        "--plot",
                        plot);
        assertEquals(0, resumed.status(), resumed.messages());
        assertTrue(resumed.messages().contains("step-00000005 at step 5"), resumed.messages());
        assertEquals(losses(whole), losses(part));
        assertTrue(Files.readString(plot).startsWith("<svg "));

        Ran refused = trainModel("gpt:layers=1,width=32,context=16", "--resume", run);
        assertEquals(2, refused.status(), refused.messages());
        assertTrue(refused.messages().contains("is of another model"), refused.messages());
    }

    @Test
    void aCheckpointIsUsedByAllThatReadOne() throws IOException {
        Path run = temporary.resolve("run");
        Ran ran = train("--steps", 4, "--save", run, "--save-every", 2, "--format", "json");
        assertEquals(0, ran.status(), ran.messages());
        assertTrue(ran.results().startsWith("{\n") && ran.results().endsWith("}\n"));
        assertTrue(ran.results().contains("\"steps\": 4,"), ran.results());

        Ran sample = ds("sample", run, "--prompt", "It was", "--tokens", 5, "--temperature", 0);
        assertEquals(0, sample.status(), sample.messages());
        assertTrue(sample.results().startsWith("It was"), sample.results());
        assertEquals(
                sample.results(),
                ds(
                                "sample",
                                run,
                                "--prompt",
                                "It was",
                                "--tokens",
                                5,
                                "--temperature",
                                0,
                                "--no-cache")
                        .results());
        assertTrue(sample.messages().contains(" tokens/s"), sample.messages());
        Ran document = ds("sample", run, "--tokens", 5, "--format", "json");
        assertTrue(document.results().contains("\"tokens_per_second\": "), document.results());
        assertTrue(document.results().contains("\"cached\": true"), document.results());

        Ran evaluated = ds("eval", run, "--data", text);
        assertEquals(0, evaluated.status(), evaluated.messages());
        assertTrue(evaluated.results().contains("bits per byte, perplexity"), evaluated.results());

        Ran inspected = ds("checkpoint", "inspect", run);
        assertEquals(0, inspected.status(), inspected.messages());
        assertTrue(inspected.results().contains("step         4 (4 applied)"), inspected.results());
        assertEquals(0, ds("checkpoint", "verify", run).status());

        Path file = run.resolve("step-00000004/rank-0000-of-0001.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 4;
        Files.write(file, bytes);
        Ran verified = ds("checkpoint", "verify", run);
        assertEquals(1, verified.status());
        assertTrue(verified.results().contains("step-00000002: ok"), verified.results());
        assertTrue(verified.results().contains("step-00000004: CORRUPT"), verified.results());
        Ran older = ds("sample", run, "--tokens", 1);
        assertEquals(0, older.status());
        assertTrue(
                older.messages().contains("Opened step-00000002, the newest that verifies."),
                older.messages());
    }

    @Test
    void aTableTrainsAnMlp() throws IOException {
        StringBuilder table = new StringBuilder("x,y,kind\n");
        for (int i = 0; i < 200; i++) {
            table.append(i % 7).append(',').append(i % 5).append(',');
            table.append(i % 7 > 3 ? "many" : "few").append('\n');
        }
        Path file = Files.writeString(temporary.resolve("table.csv"), table);
        Path run = temporary.resolve("run");
        Ran ran =
                ds(
                        "train",
                        "--config",
                        config,
                        "--data",
                        file,
                        "--target",
                        "kind",
                        "--model",
                        "mlp:hidden=8x4",
                        "--steps",
                        3,
                        "--save",
                        run);
        assertEquals(0, ran.status(), ran.messages());
        assertTrue(ran.results().contains("validation loss "), ran.results());
        assertEquals(0, ds("eval", run, "--data", file).status());
        assertEquals(2, ds("sample", run).status());
    }

    @Test
    void mistakesEndWithTwoAndOneSentence() throws IOException {
        assertMistake("ds: there is no command 'trian'. Did you mean 'train'?;", ds("trian"));
        assertMistake("there is no option '--stpes'. Did you mean '--steps'?", train("--stpes", 4));
        assertMistake("Invalid value for option '--steps'", train("--steps", "many"));
        assertMistake("--steps is -1; it must be at least 1.", train("--steps", -1));
        assertMistake("--steps is 0; it must be at least 1.", train("--steps", 0));
        assertMistake("--world-size is 0; it must be at least 1.", train("--world-size", 0));
        assertMistake("--save-every is 0; it must be at least 1.", train("--save-every", 0));
        assertMistake("There is no checkpoint in ", train("--resume", temporary));
        assertMistake(
                "--generation previous goes back in an offload store, and --resume names none",
                train("--generation", "previous"));
        assertMistake("does not exist", ds("train", "--config", config, "--data", "absent.txt"));
        assertMistake("There is no file 'absent.json'", ds("train", "--config", "absent.json"));
        assertMistake("No model provider is named 'gtp'", trainModel("gtp"));
        assertMistake("is not a key here", trainModel("gpt:layer=2"));
        assertMistake(
                "Model gpt learns from tokens",
                ds(
                        "train",
                        "--config",
                        config,
                        "--target",
                        "0",
                        "--data",
                        Files.writeString(temporary.resolve("t.csv"), "1,2\n3,4\n5,6\n"),
                        "--eval-split",
                        0));
        Path small = Files.writeString(temporary.resolve("small.txt"), "too small");
        assertMistake(
                "one window of context 16 needs 17",
                ds("train", "--config", config, "--data", small, "--model", MODEL));
        assertMistake(
                "there is no option '--bogus'; 'ds plan --help' lists them.",
                ds("plan", "--bogus"));
        assertMistake("There is no checkpoint in ", ds("checkpoint", "verify", temporary));
        assertMistake("There is no key 'stge'; did you mean ", ds("config", "explain", "stge"));
        assertFalse(trainModel("gtp").messages().contains("\tat "));
        assertTrue(trainModel("gtp", "--stacktrace").messages().contains("\tat "));
    }

    @Test
    void aResultThatCannotBeWrittenIsSaidBeforeWorkBegins() throws IOException {
        Path absent = temporary.resolve("absent");
        Path plot = absent.resolve("loss.svg");
        Ran ran = train("--steps", 1, "--plot", plot);
        assertMistake(
                "ds: --plot is '%s', which cannot be written: there is no folder '%s'. Name a file that can be written."
                        .formatted(plot, absent),
                ran);
        assertFalse(ran.messages().contains("device host"), ran.messages());
        assertMistake("which is a directory; name a file.", train("--plot", temporary));
        Path below = text.resolve("run");
        assertMistake(
                "ds: --save is '%s', but '%s' is not a directory. Name another one."
                        .formatted(below, text),
                train("--save", below));
        assertMistake(
                "--plot-schedule is '%s', which cannot be written: there is no".formatted(plot),
                ds("plan", "--config", config, "--data", text, "--plot-schedule", plot));
        Path made = absent.resolve("ds.json");
        assertMistake(
                "ds: Cannot write %s: there is no folder '%s'. Name a file that"
                        .formatted(made, absent),
                ds("init", made));
        assertMistake(
                "ds: Cannot read the model file %s: there is no folder '%s'. Name a JSON file"
                        .formatted(made, absent),
                trainModel(made.toString()));
        Path folder = Files.createDirectory(temporary.resolve("model.json"));
        assertMistake(
                "ds: The model file %s is a directory; name a JSON file.".formatted(folder),
                trainModel(folder.toString()));
        assertFalse(Files.exists(absent));
        Path run = temporary.resolve("a/b");
        Path drawn = temporary.resolve("loss.svg");
        assertMistake(
                "No model provider is named", trainModel("gtp", "--save", run, "--plot", drawn));
        assertFalse(Files.exists(run.getParent()) || Files.exists(drawn), "nothing is left there");
    }

    @Test
    void aModelBeyondReasonIsOneClearError() {
        assertMistake(
                "'width' must be an integer, from 1 to 1048576, was 2000000000.",
                trainModel("gpt:width=2000000000"));
        assertMistake(
                "'layers' must be an integer, from 1 to 10000, was 2000000000.",
                trainModel("gpt:layers=2000000000"));
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void aPipeThatNobodyFillsIsNotWaitedFor() throws Exception {
        Path pipe = temporary.resolve("pipe");
        Assumptions.assumeTrue(
                new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0);
        Ran checked = ds("config", "check", pipe);
        assertEquals(2, checked.status());
        assertTrue(
                checked.results()
                        .contains("'%s' is a pipe or a device, not a file.".formatted(pipe)),
                checked.results());
        assertMistake("is a pipe or a device, not a file", ds("train", "--config", pipe));
        assertMistake(
                "Data %s is a pipe or a device; give a file.".formatted(pipe),
                ds("train", "--config", config, "--data", pipe));
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
                                MODEL,
                                "--steps",
                                1));
        words.addAll(List.of(more));
        Ran ran = ds(words.toArray());
        assertEquals(2, ran.status(), ran.messages());
        String message = ran.messages().toLowerCase(Locale.ROOT);
        assertTrue(message.contains(part.toLowerCase(Locale.ROOT)), ran.messages());
        assertFalse(ran.messages().contains("\tat "), ran.messages());
    }

    @Test
    void aLossThatIsNoNumberStopsTheRunAndKeepsTheCheckpoint() throws IOException {
        Path run = temporary.resolve("run");
        assertEquals(0, train("--steps", 2, "--save", run).status());
        Path wild =
                Files.writeString(
                        temporary.resolve("wild.json"),
                        Files.readString(config).replace("0.01", "1e38").replace("true", "false"));
        Ran ran =
                ds(
                        "train",
                        "--config",
                        wild,
                        "--data",
                        text,
                        "--model",
                        MODEL,
                        "--steps",
                        60,
                        "--resume",
                        run,
                        "--save",
                        run,
                        "--save-every",
                        100);
        assertEquals(1, ran.status(), ran.messages());
        assertTrue(ran.messages().contains("in a row"), ran.messages());
        assertEquals(0, ds("checkpoint", "verify", run).status());
        assertTrue(ds("checkpoint", "inspect", run).results().contains("step         2 "));
    }

    private static void assertMistake(String part, Ran ran) {
        assertEquals(2, ran.status(), ran.messages());
        assertEquals("", ran.results());
        assertTrue(ran.messages().contains(part), ran.messages());
    }

    @Test
    void configurationsAreCheckedAndExplained() throws IOException {
        Ran good = ds("config", "check", config);
        assertEquals(0, good.status(), good.messages());
        Path bad =
                Files.writeString(
                        temporary.resolve("bad.json"),
                        "{\n  \"train_batch_size\": 8,\n  \"gradient_cliping\": 1.0\n}\n");
        Ran checked = ds("config", "check", config, bad, "--format", "json");
        assertEquals(2, checked.status());
        assertTrue(checked.results().contains("\"pointer\": \"/gradient_cliping\""));
        assertTrue(checked.results().contains("\"line\": 3"), checked.results());
        assertTrue(checked.results().contains("\"zero_optimization.stage\": 2"));
        assertEquals("", checked.messages());
        assertEquals(
                0,
                ds("config", "check", bad, "--unknown-keys", "warn", "--world-size", 2).status());
        Ran explained = ds("config", "explain", "stage");
        assertEquals(0, explained.status());
        assertTrue(explained.results().startsWith("zero_optimization.stage\n"));
    }

    @Test
    void whatIsNotAsExpectedIsSaidBeforeTraining() throws IOException {
        Files.writeString(
                config,
                """
                {"train_batch_size": "auto", "optimizer": {"type": "AdamW"},
                 "scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": 9}},
                 "memory_breakdown": true, "jvm": {"seed": 3, "workers": 2}}
                """);
        Ran ran = train("--steps", 2, "--seed", 4);
        assertEquals(0, ran.status(), ran.messages());
        for (String line :
                List.of(
                        "device host: 2 threads (1 ranks x 2 workers)",
                        "warning: /scheduler/params/warmup_num_steps (2:67) is 9, but only 2 steps are planned",
                        "warning: /jvm/seed (3:44) is 3, but the option says 4, which is used",
                        "1 values of \"auto\" decided, 1 settings without effect here; ds plan names them")) {
            assertTrue(ran.messages().contains(line), ran.messages());
        }
        Ran plan = ds("plan", "--config", config, "--data", text, "--model", MODEL, "--steps", 20);
        assertTrue(
                plan.results().contains("/train_batch_size (1:22) became 8: 8 (micro) x 1 (accum"),
                plan.results());
        assertFalse(plan.results().contains("warning"), plan.results());
    }

    @Test
    void planDrawsTheScheduleHereOrIntoAFile() throws IOException {
        Path text = Files.writeString(temporary.resolve("text.txt"), "to be or not ".repeat(60));
        Path config =
                Files.writeString(
                        temporary.resolve("ds_config.json"),
                        """
                        {"train_batch_size": 4,
                         "optimizer": {"type": "Adam", "params": {"lr": 0.01}},
                         "scheduler": {"type": "OneCycle", "params": {
                             "cycle_min_lr": 0.001, "cycle_max_lr": 0.01,
                             "cycle_first_step_size": 40}}}
                        """);
        Object[] plan = {
            "plan", "--config", config, "--data", text, "--model", MODEL, "--steps", 100
        };
        String plain = ds(plan).results();
        assertFalse(plain.contains("learning rate"), plain);
        Object[] here = Arrays.copyOf(plan, plan.length + 1);
        here[plan.length] = "--plot-schedule";
        String drawn = ds(here).results();
        assertTrue(drawn.contains("\nlearning rate\n 1.000e-02 +"), drawn);
        assertTrue(drawn.contains("\nfirst beta, or momentum\n 9.000e-01 +"), drawn);
        assertTrue(drawn.contains("step 100"), drawn);
        Path file = temporary.resolve("schedule.svg");
        Object[] into = Arrays.copyOf(here, here.length + 1);
        into[here.length] = file;
        assertEquals(plain, ds(into).results());
        String svg = Files.readString(file);
        assertTrue(svg.startsWith("<svg ") && svg.contains("adam with OneCycle, 100 steps"), svg);
        assertEquals(2, svg.split("<polyline").length - 1);
    }

    @Test
    void theOthersAnswerToo() throws IOException {
        Ran plan = ds("plan", "--config", config, "--data", text, "--model", MODEL);
        assertEquals(0, plan.status(), plan.messages());
        assertTrue(plan.results().contains("reproducible"), plan.results());
        Ran json =
                ds(
                        "plan",
                        "--config",
                        config,
                        "--data",
                        text,
                        "--model",
                        MODEL,
                        "--world-size",
                        4,
                        "--format",
                        "json");
        assertTrue(json.results().contains("\"bytes_per_rank\": {"), json.results());
        Ran report = ds("report");
        assertEquals(0, report.status());
        assertTrue(
                report.results().contains("optimizers     adagrad, adam, adamw, "),
                report.results());
        Path made = temporary.resolve("made.json");
        assertEquals(0, ds("init", made).status());
        assertEquals(0, ds("config", "check", made).status());
        assertEquals(2, ds("init", made).status());
        assertEquals(0, ds("init", made, "--force").status());
        assertEquals(0, ds("bench", "gemm", "--size", 64, "--workers", 1, "--warm-up", 0).status());
        assertEquals(
                0,
                ds("bench", "adam", "--elements", 4096, "--workers", 1, "--warm-up", 0).status());
        Ran sample =
                ds(
                        "bench",
                        "sample",
                        "--layers",
                        1,
                        "--width",
                        64,
                        "--context",
                        16,
                        "--rounds",
                        1,
                        "--warm-up",
                        0);
        assertEquals(0, sample.status(), sample.messages());
        assertTrue(sample.results().contains("with keys and values kept"), sample.results());
        assertEquals(0, ds("--version").status());
    }

    @Test
    void everyCommandHasHelp() {
        for (String command :
                List.of(
                        "train",
                        "sample",
                        "eval",
                        "plan",
                        "report",
                        "init",
                        "config check",
                        "config explain",
                        "config schema",
                        "config show",
                        "config diff",
                        "config migrate",
                        "bench gemm",
                        "bench adam",
                        "bench train",
                        "bench sample",
                        "checkpoint inspect",
                        "checkpoint verify")) {
            List<Object> words = new ArrayList<>(List.of(command.split(" ", -1)));
            words.add("--help");
            Ran help = ds(words.toArray());
            assertEquals(0, help.status(), command);
            assertTrue(help.results().startsWith("Usage: ds " + command), help.results());
        }
        assertTrue(ds("--help").results().startsWith("Usage: ds COMMAND"));
        assertEquals(2, ds("config").status());
    }

    @Test
    void whereMetricsCannotBeWrittenIsSaidBeforeTraining() throws IOException {
        Path folder = Files.createDirectory(temporary.resolve("folder"));
        Path file = Files.writeString(temporary.resolve("file"), "");
        for (Path metrics : List.of(folder, file.resolve("metrics.jsonl"))) {
            Ran ran = train("--steps", 2, "--metrics", metrics);
            assertEquals(2, ran.status(), ran.messages());
            assertTrue(
                    ran.messages().startsWith("ds: --metrics is '%s'".formatted(metrics))
                            || ran.messages().startsWith("ds: --metrics is '%s'".formatted(file)),
                    ran.messages());
        }
        Path made = temporary.resolve("new/deeper/metrics.jsonl");
        assertEquals(0, train("--steps", 1, "--metrics", made).status());
        assertEquals(1, Files.readAllLines(made).size());
    }
}
