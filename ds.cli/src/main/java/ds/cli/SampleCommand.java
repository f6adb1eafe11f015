package ds.cli;

import ds.engine.Generation;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
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

    @Option(
            names = "--no-cache",
            description =
                    "Compute the whole window again for each token: the same text, slower, to measure by.")
    private boolean noCache;

    private static String speed(Generation made) {
        return String.format(
                Locale.ROOT,
                "%,d tokens in %.2f s: %,.0f tokens/s",
                made.tokens(),
                made.nanos() / 1e9,
                made.tokensPerSecond());
    }

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
            Generation made =
                    restored.engine()
                            .generation(
                                    prompt,
                                    g ->
                                            g.tokens(tokens)
                                                    .temperature(temperature)
                                                    .seed(seed)
                                                    .cache(!noCache));
            out().result(Printable.of(made.text()));
            out().message(speed(made));
            Map<String, Object> document = new LinkedHashMap<>();
            document.put("checkpoint", restored.checkpoint().directory().toString());
            document.put("prompt", prompt);
            document.put("text", made.text());
            document.put("tokens", made.tokens());
            document.put("seconds", made.nanos() / 1e9);
            document.put("tokens_per_second", made.tokensPerSecond());
            document.put("cached", made.cached());
            out().document(document);
        }
        return Main.OK;
    }
}
