package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run of {@code ds train} does its work, and others go on from what it saved. */
class TrainingRunTest {
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

    private static List<String> losses(Path metrics) throws IOException {
        List<String> losses = new ArrayList<>();
        for (String line : Files.readAllLines(metrics)) {
            losses.add(line.substring(0, line.indexOf(",\"lr\"")));
        }
        return losses;
    }

    @Test
    void aRunWhoseLossIsLostFails() throws IOException {
        Files.writeString(config, Files.readString(config).replace("0.01", "1e30"));
        Ran ran = small.train("--steps", 4);
        assertEquals(1, ran.status(), ran.messages());
        assertTrue(
                ran.messages().contains("ds: The loss of the last step, 4, is NaN, so"),
                ran.messages());
    }

    @Test
    void aResumedRunRepeatsTheUninterruptedOneAtAnotherWorldSize() throws IOException {
        Path whole = temporary.resolve("whole.jsonl");
        Ran ran =
                small.train("--steps", 8, "--world-size", 2, "--metrics", whole, "--eval-every", 4);
        assertEquals(0, ran.status(), ran.messages());
        assertTrue(ran.messages().startsWith("device host: "), ran.messages());
        assertTrue(ran.messages().contains("step 8: validation loss "), ran.messages());
        assertTrue(ran.results().contains("* training loss   o validation loss"), ran.results());
        assertTrue(ran.results().contains("nats per byte, byte bigram "), ran.results());
        assertTrue(ran.results().contains("sample:\nThe "), ran.results());

        Path part = temporary.resolve("part.jsonl");
        Path run = temporary.resolve("run");
        small.train("--steps", 5, "--world-size", 1, "--metrics", part, "--save", run);
        Path plot = temporary.resolve("loss.svg");
        Ran resumed =
                small.train(
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

        Ran refused = small.trainModel("gpt:layers=1,width=32,context=16", "--resume", run);
        assertEquals(2, refused.status(), refused.messages());
        assertTrue(refused.messages().contains("is of another model"), refused.messages());
    }

    @Test
    void aCheckpointIsUsedByAllThatReadOne() throws IOException {
        Path run = temporary.resolve("run");
        Ran ran = small.train("--steps", 4, "--save", run, "--save-every", 2, "--format", "json");
        assertEquals(0, ran.status(), ran.messages());
        assertTrue(ran.results().startsWith("{\n") && ran.results().endsWith("}\n"));
        assertTrue(ran.results().contains("\"steps\": 4,"), ran.results());

        Ran sample = Ran.ds("sample", run, "--prompt", "It was", "--tokens", 5, "--temperature", 0);
        assertEquals(0, sample.status(), sample.messages());
        assertTrue(sample.results().startsWith("It was"), sample.results());
        assertEquals(
                sample.results(),
                Ran.ds(
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
        Ran document = Ran.ds("sample", run, "--tokens", 5, "--format", "json");
        assertTrue(document.results().contains("\"tokens_per_second\": "), document.results());
        assertTrue(document.results().contains("\"cached\": true"), document.results());

        Ran evaluated = Ran.ds("eval", run, "--data", text);
        assertEquals(0, evaluated.status(), evaluated.messages());
        assertTrue(evaluated.results().contains("bits per byte, perplexity"), evaluated.results());

        Ran inspected = Ran.ds("checkpoint", "inspect", run);
        assertEquals(0, inspected.status(), inspected.messages());
        assertTrue(inspected.results().contains("step         4 (4 applied)"), inspected.results());
        assertEquals(0, Ran.ds("checkpoint", "verify", run).status());

        Path file = run.resolve("step-00000004/rank-0000-of-0001.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 4;
        Files.write(file, bytes);
        Ran verified = Ran.ds("checkpoint", "verify", run);
        assertEquals(1, verified.status());
        assertTrue(verified.results().contains("step-00000002: ok"), verified.results());
        assertTrue(verified.results().contains("step-00000004: CORRUPT"), verified.results());
        Ran older = Ran.ds("sample", run, "--tokens", 1);
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
                Ran.ds(
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
        assertEquals(0, Ran.ds("eval", run, "--data", file).status());
        assertEquals(2, Ran.ds("sample", run).status());
    }

    @Test
    void aLossThatIsNoNumberStopsTheRunAndKeepsTheCheckpoint() throws IOException {
        Path run = temporary.resolve("run");
        assertEquals(0, small.train("--steps", 2, "--save", run).status());
        Path wild =
                Files.writeString(
                        temporary.resolve("wild.json"),
                        Files.readString(config).replace("0.01", "1e38").replace("true", "false"));
        Ran ran =
                Ran.ds(
                        "train",
                        "--config",
                        wild,
                        "--data",
                        text,
                        "--model",
                        SmallRun.MODEL,
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
        assertEquals(0, Ran.ds("checkpoint", "verify", run).status());
        assertTrue(Ran.ds("checkpoint", "inspect", run).results().contains("step         2 "));
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
        Ran ran = small.train("--steps", 2, "--seed", 4);
        assertEquals(0, ran.status(), ran.messages());
        for (String line :
                List.of(
                        "device host: 2 threads (1 ranks x 2 workers)",
                        "warning: /scheduler/params/warmup_num_steps (2:67) is 9, but only 2 steps are planned",
                        "warning: /jvm/seed (3:44) is 3, but the option says 4, which is used",
                        "1 values of \"auto\" decided, 1 settings without effect here; ds plan names them")) {
            assertTrue(ran.messages().contains(line), ran.messages());
        }
        Ran plan =
                Ran.ds(
                        "plan",
                        "--config",
                        config,
                        "--data",
                        text,
                        "--model",
                        SmallRun.MODEL,
                        "--steps",
                        20);
        assertTrue(
                plan.results().contains("/train_batch_size (1:22) became 8: 8 (micro) x 1 (accum"),
                plan.results());
        assertFalse(plan.results().contains("warning"), plan.results());
    }
}
