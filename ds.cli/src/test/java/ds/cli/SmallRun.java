package ds.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A configuration, a text and a model small enough for tests of the command line. */
record SmallRun(Path config, Path text) {
    static final String MODEL = "gpt:layers=1,width=16,heads=2,context=16";

    /** Writes them into a directory. */
    static SmallRun in(Path directory) throws IOException {
        Path config =
                Files.writeString(
                        directory.resolve("ds.json"),
                        """
                        {
                          "train_batch_size": 8, "train_micro_batch_size_per_gpu": 2,
                          "optimizer": {"type": "AdamW", "params": {"lr": 0.01}},
                          "bf16": {"enabled": true}, "zero_optimization": {"stage": 2}
                        }
                        """);
        Path text =
                Files.writeString(
                        directory.resolve("text.txt"),
                        "It was the best of times, it was the worst of times. ".repeat(40));
        return new SmallRun(config, text);
    }

    Ran train(Object... more) {
        return trainModel(MODEL, more);
    }

    Ran trainModel(String model, Object... more) {
        List<Object> words =
                new ArrayList<>(
                        List.of("train", "--config", config, "--data", text, "--model", model));
        words.addAll(List.of(more));
        return Ran.ds(words.toArray());
    }
}
