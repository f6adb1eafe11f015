package ds.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs a program to its end, away from this virtual machine. */
final class Programs {
    /** What a program left: its exit status, and what it wrote to either stream. */
    record Outcome(int status, String out, String err) {}

    private static final long LIMIT_SECONDS = 180;

    private Programs() {}

    static Outcome run(Path directory, List<String> command)
            throws IOException, InterruptedException {
        return run(directory, Map.of(), command);
    }

    /** Runs with {@code environment} on top of this program's own. */
    static Outcome run(Path directory, Map<String, String> environment, List<String> command)
            throws IOException, InterruptedException {
        Path out = Files.createTempFile("program", ".out");
        Path err = Files.createTempFile("program", ".err");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command)
                            .directory(directory.toFile())
                            .redirectOutput(out.toFile())
                            .redirectError(err.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            process.getOutputStream().close();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                throw new IllegalStateException(
                        "%s did not end within %d s; it wrote: %s"
                                .formatted(command, LIMIT_SECONDS, read(err)));
            }
            return new Outcome(process.exitValue(), read(out), read(err));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }

    /** Has the {@code ds} of an image train a tiny GPT on two ranks. */
    static Outcome train(
            Path image,
            Path directory,
            Map<String, String> environment,
            Path config,
            int steps,
            String... more)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                image.resolve("bin", "ds").toString(),
                                "train",
                                "--config",
                                config.toString(),
                                "--data",
                                Reactor.ROOT
                                        .resolve("examples", "gpt-text", "devils-dictionary.txt")
                                        .toString(),
                                "--model",
                                "gpt:layers=1,width=32,heads=2,context=32",
                                "--world-size",
                                "2",
                                "--steps",
                                Integer.toString(steps)));
        command.addAll(List.of(more));
        return run(directory, environment, command);
    }

    /**
     * Starts a program and kills it, as {@code kill -9} does, once it has written a line that begins
     * with {@code last}. Returns what it wrote until then.
     */
    static String killAfter(String last, Path directory, List<String> command)
            throws IOException, InterruptedException {
        Path err = Files.createTempFile("program", ".err");
        Process process =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectError(err.toFile())
                        .start();
        StringBuilder text = new StringBuilder();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                text.append(line).append('\n');
                if (line.startsWith(last)) {
                    return text.toString();
                }
            }
            throw new IllegalStateException(
                    "%s ended before it wrote '%s'; it wrote: %s%s"
                            .formatted(command, last, text, read(err)));
        } finally {
            process.destroyForcibly().waitFor();
            Files.delete(err);
        }
    }

    private static String read(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.UTF_8);
    }
}
