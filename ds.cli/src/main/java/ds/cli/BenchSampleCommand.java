package ds.cli;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.data.TextDataset;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** {@code ds bench sample}. */
@CommandLine.Command(
        name = "sample",
        sortOptions = false,
        description =
                "Tokens per second of a small GPT that reads (evaluation) and writes, with keys and values kept and without, measured in turn.")
final class BenchSampleCommand extends Command {
    private static final int BATCH = 8;
    private static final int BATCHES = 4;
    private static final String PROMPT = "The ";

    @Option(
            names = "--precision",
            paramLabel = "fp32|bf16|fp16",
            description = "Storage of parameters and activations (default: ${DEFAULT-VALUE}).")
    private BenchTrainCommand.Precision precision = BenchTrainCommand.Precision.fp32;

    @Option(
            names = "--layers",
            paramLabel = "N",
            description = "Layers of the model (default: ${DEFAULT-VALUE}).")
    private int layers = 4;

    @Option(
            names = "--width",
            paramLabel = "N",
            description = "Width of the model, a multiple of 64 (default: ${DEFAULT-VALUE}).")
    private int width = 256;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Tokens that the model can see, at least 8 (default: ${DEFAULT-VALUE}).")
    private int context = 128;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Rounds to measure; the middle one counts (default: ${DEFAULT-VALUE}).")
    private int rounds = 7;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description = "How long it runs before it counts (default: ${DEFAULT-VALUE}).")
    private double warmUpSeconds = 20;

    @Override
    int run() {
        if (layers < 1 || width < 64 || width % 64 != 0 || context < 8 || rounds < 1) {
            throw new UserMistakeException(
                    "--layers is %d and --rounds %d (at least 1), --width %d (a multiple of 64), --context %d (at least 8)."
                            .formatted(layers, rounds, width, context));
        }
        TextDataset text = TextDataset.of("noise", BenchTrainCommand.noise(), context);
        TextDataset data = TextDataset.of("noise", noise(BATCH * BATCHES * context + 1), context);
        ModelSpec spec =
                ModelSpec.parse(
                        "gpt:layers=%d,width=%d,heads=%d,context=%d"
                                .formatted(layers, width, width / 64, context));
        long[] reading = new long[rounds];
        long[] kept = new long[rounds];
        long[] whole = new long[rounds];
        // The window never moves: each token costs what the context's middle costs.
        int tokens = context - PROMPT.length();
        try (Engine engine =
                DeepSpeed.initialize(
                        spec.create(text.shape()), config(), o -> o.trainingData(text))) {
            Bench.warmUp(
                    warmUpSeconds,
                    () -> {
                        engine.evaluate(data);
                        write(engine, tokens, true);
                        write(engine, tokens, false);
                    });
            for (int i = 0; i < rounds; i++) {
                reading[i] = Bench.nanos(() -> engine.evaluate(data));
                kept[i] = Bench.nanos(() -> write(engine, tokens, true));
                whole[i] = Bench.nanos(() -> write(engine, tokens, false));
            }
        }
        report(
                1e9 * BATCH * BATCHES * context / Bench.median(reading),
                1e9 * tokens / Bench.median(kept),
                1e9 * tokens / Bench.median(whole));
        return Main.OK;
    }

    private static void write(Engine engine, int tokens, boolean cached) {
        engine.generate(PROMPT, g -> g.tokens(tokens).cache(cached));
    }

    private static byte[] noise(int length) {
        byte[] noise = BenchTrainCommand.noise();
        byte[] text = new byte[length];
        for (int i = 0; i < length; i++) {
            text[i] = noise[i % noise.length];
        }
        return text;
    }

    private DsConfig config() {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("train_batch_size", BATCH);
        config.put("optimizer", Map.of("type", "AdamW", "params", Map.of("lr", 1e-3)));
        if (precision != BenchTrainCommand.Precision.fp32) {
            config.put(precision.name(), Map.of("enabled", true));
        }
        return DsConfig.of(config);
    }

    private void report(double reading, double kept, double whole) {
        int threads = Runtime.getRuntime().availableProcessors();
        out().result(
                        String.format(
                                Locale.ROOT,
                                "%s, %d layers of %d, context %d, %d threads: evaluation %,.0f tokens/s; generation %,.0f tokens/s with keys and values kept, %,.0f without",
                                precision,
                                layers,
                                width,
                                context,
                                threads,
                                reading,
                                kept,
                                whole));
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("precision", precision);
        document.put("layers", layers);
        document.put("width", width);
        document.put("context", context);
        document.put("threads", threads);
        document.put("evaluation_tokens_per_second", reading);
        document.put("generation_tokens_per_second", kept);
        document.put("generation_without_cache_tokens_per_second", whole);
        out().document(document);
    }
}
