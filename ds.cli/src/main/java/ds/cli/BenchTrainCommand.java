package ds.cli;

import ds.config.DsConfig;
import ds.core.FlatBuffer;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.data.TextDataset;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** {@code ds bench train}. */
@CommandLine.Command(
        name = "train",
        sortOptions = false,
        description = "Steps of a small GPT on noise beside matrix products, measured in turn.")
final class BenchTrainCommand extends Command {
    /** Precisions of the benchmark. */
    enum Precision {
        /** Everything in fp32. */
        fp32,
        /** Parameters and activations in bf16. */
        bf16,
        /** Parameters and activations in fp16. */
        fp16
    }

    /** Resting places of optimizer state. */
    enum Offload {
        /** Beside the parameters. */
        none,
        /** In host memory, chunk by chunk. */
        cpu,
        /** In files. */
        nvme
    }

    private static final int TEXT_BYTES = 1 << 16;
    private static final int GEMM = 1024;

    @Option(
            names = "--precision",
            paramLabel = "fp32|bf16|fp16",
            description = "Storage of parameters and activations (default: ${DEFAULT-VALUE}).")
    private Precision precision = Precision.fp32;

    @Option(
            names = "--kernels",
            paramLabel = "NAME",
            split = ",",
            description =
                    "What computes, by name as in jvm.kernels; several take steps in turn (default: ${DEFAULT-VALUE}).")
    private List<String> kernelsNames = List.of(KernelsProviders.HOST);

    @Option(
            names = "--stage",
            paramLabel = "0..3",
            description = "ZeRO stage (default: ${DEFAULT-VALUE}).")
    private int stage;

    @Option(
            names = "--offload",
            paramLabel = "none|cpu|nvme",
            split = ",",
            description =
                    "Where optimizer state rests; several take steps in turn (default: ${DEFAULT-VALUE}).")
    private List<Offload> offloads = List.of(Offload.none);

    @Option(
            names = "--path",
            paramLabel = "DIR",
            description = "Directory on the drive for --offload nvme; nothing stays there.")
    private Optional<Path> path = Optional.empty();

    @Option(
            names = "--world-size",
            paramLabel = "RANKS",
            description = "Local ranks: 1, 2, 4 or 8 (default: ${DEFAULT-VALUE}).")
    private int ranks = 1;

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "Steps to measure (default: ${DEFAULT-VALUE}).")
    private int steps = 20;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description =
                    "How long it runs before it counts: the compiler needs about as long as the default (default: ${DEFAULT-VALUE}).")
    private double warmUpSeconds = 30;

    @Option(
            names = "--layers",
            paramLabel = "N",
            description = "Layers of the model (default: ${DEFAULT-VALUE}).")
    private int layers = 4;

    @Option(
            names = "--width",
            paramLabel = "N",
            description =
                    "Width of the model, a multiple of 64; 8 layers of width 512 have 25 million parameters (default: ${DEFAULT-VALUE}).")
    private int width = 256;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Tokens of a sample (default: ${DEFAULT-VALUE}).")
    private int context = 128;

    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "Samples of a step, a multiple of the ranks (default: ${DEFAULT-VALUE}).")
    private int batch = 8;

    @Option(
            names = "--vocabulary",
            paramLabel = "N",
            description = "Tokens that the model knows, at least 256 (default: ${DEFAULT-VALUE}).")
    private int vocabulary = 256;

    @Override
    int run() {
        check();
        int threads = Runtime.getRuntime().availableProcessors();
        ModelSpec spec =
                ModelSpec.parse(
                        "gpt:layers=%d,width=%d,heads=%d,context=%d,vocabulary=%d"
                                .formatted(layers, width, width / 64, context, vocabulary));
        TextDataset data = TextDataset.of("noise", noise(), context);
        var model = spec.create(data.shape());
        List<Contender> contenders = new ArrayList<>();
        try (Workers workers = new Workers("ds-bench", threads);
                Arena arena = Arena.ofShared()) {
            FlatBuffer a = BenchGemmCommand.buffer(arena, GEMM);
            FlatBuffer b = BenchGemmCommand.buffer(arena, GEMM);
            FlatBuffer c = BenchGemmCommand.buffer(arena, GEMM);
            List<Runnable> works = new ArrayList<>();
            for (String name : kernelsNames) {
                Kernels kernels = Bench.kernels(name, workers);
                for (Offload offload : offloads) {
                    Engine engine =
                            DeepSpeed.initialize(
                                    model,
                                    config(name, offload),
                                    o -> o.trainingData(data).ranks(ranks));
                    Contender contender = new Contender(name, offload, engine);
                    contenders.add(contender);
                    works.add(contender::step);
                    works.add(() -> BenchGemmCommand.multiply(kernels, GEMM, a, b, c));
                }
            }
            Bench.warmUp(warmUpSeconds, () -> works.forEach(Runnable::run));
            long[][] nanos = new long[works.size()][steps];
            for (int i = 0; i < steps; i++) {
                for (int turn = 0; turn < works.size(); turn++) {
                    // A step keeps the place before its product; who is first changes.
                    int work = (2 * i + turn) % works.size();
                    nanos[work][i] = Bench.nanos(works.get(work));
                }
            }
            List<Object> results = new ArrayList<>();
            for (int i = 0; i < contenders.size(); i++) {
                results.add(report(threads, contenders.get(i), nanos[2 * i], nanos[2 * i + 1]));
            }
            out().document(Map.of("results", results));
        } finally {
            contenders.forEach(contender -> contender.engine.close());
        }
        return Main.OK;
    }

    /** What trains, and by which kernels. */
    private static final class Contender {
        final String kernels;
        final Offload offload;
        final Engine engine;
        double operations;

        Contender(String kernels, Offload offload, Engine engine) {
            this.kernels = kernels;
            this.offload = offload;
            this.engine = engine;
        }

        void step() {
            operations = engine.trainStep().modelOperations();
        }
    }

    private void check() {
        if (stage < 0 || stage > 3 || ranks < 1 || batch < 1 || batch % ranks != 0 || steps < 1) {
            throw new UserMistakeException(
                    "--stage is %d (0 to 3), --batch %d (at least 1), --world-size %d (divides the batch), --steps %d (at least 1)."
                            .formatted(stage, batch, ranks, steps));
        }
        if (layers < 1 || width < 64 || width % 64 != 0 || !(warmUpSeconds >= 0)) {
            throw new UserMistakeException(
                    "--layers is %d (at least 1), --width %d (a multiple of 64), --warm-up %s (0 or more)."
                            .formatted(layers, width, warmUpSeconds));
        }
        if (offloads.contains(Offload.nvme) && path.isEmpty()) {
            throw new UserMistakeException("--offload nvme needs --path DIR on the drive.");
        }
        if (context < 1 || context > TEXT_BYTES / 2 || vocabulary < 256) {
            throw new UserMistakeException(
                    "--context is %d (1 to %d), --vocabulary %d (at least 256)."
                            .formatted(context, TEXT_BYTES / 2, vocabulary));
        }
    }

    private DsConfig config(String kernels, Offload offload) {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("train_batch_size", batch);
        config.put("train_micro_batch_size_per_gpu", batch / ranks);
        config.put("optimizer", Map.of("type", "AdamW", "params", Map.of("lr", 1e-3)));
        Map<String, Object> zero = new LinkedHashMap<>();
        zero.put("stage", stage);
        if (offload != Offload.none) {
            Map<String, Object> place = new LinkedHashMap<>();
            place.put("device", offload.name());
            path.ifPresent(directory -> place.put("nvme_path", directory));
            zero.put("offload_optimizer", place);
        }
        config.put("zero_optimization", zero);
        config.put("jvm", Map.of("kernels", kernels));
        if (precision != Precision.fp32) {
            config.put(precision.name(), Map.of("enabled", true));
        }
        return DsConfig.of(config);
    }

    /** Returns text that nothing can be learnt from. */
    static byte[] noise() {
        byte[] text = new byte[TEXT_BYTES];
        long state = 1;
        for (int i = 0; i < text.length; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            text[i] = (byte) (state >>> 56);
        }
        return text;
    }

    private Map<String, Object> report(
            int threads, Contender contender, long[] steps, long[] products) {
        double operations = contender.operations;
        long activationBytes = contender.engine.activationBytes();
        long stepNanos = Bench.median(steps);
        double rate = operations / stepNanos;
        double gemm = 2.0 * GEMM * GEMM * GEMM / Bench.median(products);
        // Like with like: what disturbs the machine lengthens some of the steps and of the
        // products.
        double bestRate = operations / Bench.best(steps);
        double bestGemm = 2.0 * GEMM * GEMM * GEMM / Bench.best(products);
        out().result(
                        String.format(
                                Locale.ROOT,
                                "%s by %s, stage %d, state offloaded to %s, %d ranks, %d threads: %.1f ms per step, %,.0f tokens/s, %.1f GFLOP/s; matrix products %.1f GFLOP/s, share %.2f; the best of each %.1f and %.1f GFLOP/s, share %.2f; activations of a rank %.1f MiB",
                                precision,
                                contender.kernels,
                                stage,
                                contender.offload,
                                ranks,
                                threads,
                                stepNanos / 1e6,
                                (double) batch * context * 1e9 / stepNanos,
                                rate,
                                gemm,
                                rate / gemm,
                                bestRate,
                                bestGemm,
                                bestRate / bestGemm,
                                activationBytes / (double) (1 << 20)));
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("precision", precision);
        document.put("kernels", contender.kernels);
        document.put("layers", layers);
        document.put("width", width);
        document.put("context", context);
        document.put("batch", batch);
        document.put("vocabulary", vocabulary);
        document.put("stage", stage);
        document.put("offload", contender.offload);
        document.put("world_size", ranks);
        document.put("threads", threads);
        document.put("model_flop", operations);
        document.put("activation_bytes", activationBytes);
        document.put("step_milliseconds", stepNanos / 1e6);
        document.put("tokens_per_second", (double) batch * context * 1e9 / stepNanos);
        document.put("gflops", rate);
        document.put("gemm_gflops", gemm);
        document.put("share", rate / gemm);
        document.put("best_gflops", bestRate);
        document.put("best_gemm_gflops", bestGemm);
        document.put("best_share", bestRate / bestGemm);
        return document;
    }
}
