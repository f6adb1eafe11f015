package ds.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds sample}. */
@CommandLine.Command(
        name = "sample",
        sortOptions = false,
        description = "Lets a checkpoint of a language model write.")
final class SampleCommand extends Command {
    @Parameters(paramLabel = "DIR", description = "What --save wrote.")
    private Path directory;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "What to go on from (default: '${DEFAULT-VALUE}').")
    private String prompt = "The ";

    @Option(
            names = "--tokens",
            paramLabel = "N",
            description = "How many tokens to write (default: ${DEFAULT-VALUE}).")
    private int tokens = 300;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description =
                    "0 takes the most likely token, 1 draws freely (default: ${DEFAULT-VALUE}).")
    private double temperature = 0.8;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Seed of the draws (default: ${DEFAULT-VALUE}).")
    private long seed = 42;

    @Override
    int run() {
        if (tokens < 0 || !(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new UserMistakeException(
                    "--tokens is %d and --temperature %s; both must be at least 0 and finite."
                            .formatted(tokens, temperature));
        }
        if (prompt.isEmpty()) {
            throw new UserMistakeException("--prompt is empty; give at least one character.");
        }
        try (Restored restored = Restored.open(directory, out())) {
            if (!"true".equals(restored.checkpoint().header().data().get("tokens"))) {
                throw new UserMistakeException(
                        "%s is no language model: its data were numbers, so it cannot write."
                                .formatted(directory));
            }
            String text =
                    restored.engine()
                            .generate(
                                    prompt,
                                    g -> g.tokens(tokens).temperature(temperature).seed(seed));
            out().result(Printable.of(text));
            Map<String, Object> document = new LinkedHashMap<>();
            document.put("checkpoint", restored.checkpoint().directory().toString());
            document.put("prompt", prompt);
            document.put("text", text);
            out().document(document);
        }
        return Main.OK;
    }
}
