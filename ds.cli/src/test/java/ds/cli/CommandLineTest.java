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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every command answers, and says how it is used. */
class CommandLineTest {
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

    @Test
    void configurationsAreCheckedAndExplained() throws IOException {
        Ran good = Ran.ds("config", "check", config);
        assertEquals(0, good.status(), good.messages());
        Path bad =
                Files.writeString(
                        temporary.resolve("bad.json"),
                        "{\n  \"train_batch_size\": 8,\n  \"gradient_cliping\": 1.0\n}\n");
        Ran checked = Ran.ds("config", "check", config, bad, "--format", "json");
        assertEquals(2, checked.status());
        assertTrue(checked.results().contains("\"pointer\": \"/gradient_cliping\""));
        assertTrue(checked.results().contains("\"line\": 3"), checked.results());
        assertTrue(checked.results().contains("\"zero_optimization.stage\": 2"));
        assertEquals("", checked.messages());
        assertEquals(
                0,
                Ran.ds("config", "check", bad, "--unknown-keys", "warn", "--world-size", 2)
                        .status());
        Ran explained = Ran.ds("config", "explain", "stage");
        assertEquals(0, explained.status());
        assertTrue(explained.results().startsWith("zero_optimization.stage\n"));
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
            "plan", "--config", config, "--data", text, "--model", SmallRun.MODEL, "--steps", 100
        };
        String plain = Ran.ds(plan).results();
        assertFalse(plain.contains("learning rate"), plain);
        Object[] here = Arrays.copyOf(plan, plan.length + 1);
        here[plan.length] = "--plot-schedule";
        String drawn = Ran.ds(here).results();
        assertTrue(drawn.contains("\nlearning rate\n 1.000e-02 +"), drawn);
        assertTrue(drawn.contains("\nfirst beta, or momentum\n 9.000e-01 +"), drawn);
        assertTrue(drawn.contains("step 100"), drawn);
        Path file = temporary.resolve("schedule.svg");
        Object[] into = Arrays.copyOf(here, here.length + 1);
        into[here.length] = file;
        assertEquals(plain, Ran.ds(into).results());
        String svg = Files.readString(file);
        assertTrue(svg.startsWith("<svg ") && svg.contains("adam with OneCycle, 100 steps"), svg);
        assertEquals(2, svg.split("<polyline").length - 1);
    }

    @Test
    void theOthersAnswerToo() throws IOException {
        Ran plan = Ran.ds("plan", "--config", config, "--data", text, "--model", SmallRun.MODEL);
        assertEquals(0, plan.status(), plan.messages());
        assertTrue(plan.results().contains("reproducible"), plan.results());
        Ran json =
                Ran.ds(
                        "plan",
                        "--config",
                        config,
                        "--data",
                        text,
                        "--model",
                        SmallRun.MODEL,
                        "--world-size",
                        4,
                        "--format",
                        "json");
        assertTrue(json.results().contains("\"bytes_per_rank\": {"), json.results());
        Ran report = Ran.ds("report");
        assertEquals(0, report.status());
        assertTrue(
                report.results().contains("optimizers     adagrad, adam, adamw, "),
                report.results());
        Path made = temporary.resolve("made.json");
        assertEquals(0, Ran.ds("init", made).status());
        assertEquals(0, Ran.ds("config", "check", made).status());
        assertEquals(2, Ran.ds("init", made).status());
        assertEquals(0, Ran.ds("init", made, "--force").status());
        assertEquals(
                0, Ran.ds("bench", "gemm", "--size", 64, "--workers", 1, "--warm-up", 0).status());
        assertEquals(
                0,
                Ran.ds("bench", "adam", "--elements", 4096, "--workers", 1, "--warm-up", 0)
                        .status());
        Ran sample =
                Ran.ds(
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
        assertEquals(0, Ran.ds("--version").status());
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
            Ran help = Ran.ds(words.toArray());
            assertEquals(0, help.status(), command);
            assertTrue(help.results().startsWith("Usage: ds " + command), help.results());
        }
        assertTrue(Ran.ds("--help").results().startsWith("Usage: ds COMMAND"));
        assertEquals(2, Ran.ds("config").status());
    }
}
