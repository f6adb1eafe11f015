package ds.cli;

import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.TrainingException;
import ds.engine.checkpoint.Checkpoint;
import ds.engine.checkpoint.CheckpointException;
import ds.engine.checkpoint.Checkpoints;
import ds.engine.checkpoint.TensorShape;
import ds.engine.data.ByteBigram;
import ds.engine.data.TextDataset;
import ds.engine.metrics.LossCurve;
import ds.engine.metrics.MetricsWriter;
import ds.engine.plan.Decision;
import ds.engine.plan.TrainingPlan;
import ds.offload.StorageException;
import ds.offload.StoreGeneration;
import ds.offload.Stores;
import ds.offload.Transfers;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ds train}. */
@CommandLine.Command(
        name = "train",
        sortOptions = false,
        description =
                "Trains a model. Without options: a small GPT on examples/gpt-text, with its ds_config.json.")
final class TrainCommand extends Command {
    private static final int PLOT_COLUMNS = 64;
    private static final int PLOT_ROWS = 13;
    private static final String IO_WAIT = "io_wait";
    private static final String PROMPT = "The ";
    private static final double TEMPERATURE = 0.7;

    @Mixin private Setup setup = new Setup();

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Seed of everything (default: the checkpoint's, otherwise jvm.seed, 42).")
    private @Nullable Long seed; // null: not given

    @Option(
            names = "--metrics",
            paramLabel = "FILE",
            description = "Write one JSON object per step.")
    private @Nullable Path metricsFile; // null: not given

    @Option(
            names = "--save",
            paramLabel = "DIR",
            description = "Write checkpoints here, and at the end.")
    private @Nullable Path saveTo; // null: not given

    @Option(
            names = "--save-every",
            paramLabel = "N",
            description = "Steps between checkpoints (default: ${DEFAULT-VALUE}).")
    private int saveEvery = 10;

    @Option(
            names = "--keep",
            paramLabel = "N",
            description =
                    "Checkpoints that stay in --save, the newest; 0 keeps all (default: ${DEFAULT-VALUE}).")
    private int keep = 3;

    @Option(
            names = "--resume",
            paramLabel = "DIR",
            description =
                    "Go on from the newest good checkpoint in DIR, at any world size; or from the store that a run left in nvme_path DIR.")
    private @Nullable Path resumeFrom; // null: not given

    /** Which commit of a store --resume goes on from. */
    enum Generation {
        /** The last one. */
        last,
        /** The newest one before it that is whole. */
        previous
    }

    @Option(
            names = "--generation",
            paramLabel = "last|previous",
            description =
                    "Which commit of a store --resume goes on from; previous reads every byte and gives up what came after (default: ${DEFAULT-VALUE}).")
    private Generation generation = Generation.last;

    @Option(
            names = "--eval-every",
            paramLabel = "N",
            description =
                    "Steps between validation losses, 0 for the end only (default: ${DEFAULT-VALUE}).")
    private int evaluateEvery = 100;

    @Option(
            names = "--sample-tokens",
            paramLabel = "N",
            description =
                    "Bytes of the sample at the end of training on text, 0 for none (default: ${DEFAULT-VALUE}).")
    private int sampleTokens = 300;

    @Option(
            names = "--plot",
            paramLabel = "FILE.svg",
            description = "Draw the loss curve into this file.")
    private @Nullable Path plotFile; // null: not given

    private long tokens;
    private final LossCurve curve = new LossCurve();
    private final Map<String, Object> summary = new LinkedHashMap<>();

    @Override
    int run() {
        check("--save-every", saveEvery, 1);
        check("--keep", keep, 0);
        check("--eval-every", evaluateEvery, 0);
        check("--sample-tokens", sampleTokens, 0);
        if (plotFile != null) {
            Targets.file("--plot", plotFile);
        }
        if (metricsFile != null) {
            Targets.made("--metrics", metricsFile);
        }
        if (saveTo != null) {
            Targets.directory("--save", saveTo);
        }
        Setup.Loaded loaded = setup.load(this);
        long total = loaded.steps();
        out().message(Machine.line(loaded.ranks(), workers(loaded)));
        out().message(describe(loaded));
        Stores.RunStore store = leftStore();
        if (store == null && generation == Generation.previous) {
            throw new UserMistakeException(
                    "--generation previous goes back in an offload store, and --resume names none; give --resume the store that a run left in nvme_path, or leave --generation out.");
        }
        try (StopSignal stop = StopSignal.listen();
                Checkpoint checkpoint =
                        resumeFrom == null || store != null
                                ? null
                                : openCheckpoint(resumeFrom, loaded)) {
            OptionalLong wanted = wantedSeed(checkpoint, store);
            try (Engine engine =
                    DeepSpeed.initialize(
                            loaded.model(),
                            loaded.config(),
                            o -> {
                                o.trainingData(loaded.train())
                                        .ranks(loaded.ranks())
                                        .modelSpec(loaded.spec().canonical())
                                        .plannedSteps(total);
                                wanted.ifPresent(o::seed);
                                if (store != null) {
                                    o.resumeStore(
                                            store.directory(),
                                            switch (generation) {
                                                case last -> StoreGeneration.LAST;
                                                case previous -> StoreGeneration.PREVIOUS;
                                            });
                                }
                            })) {
                remarks(engine.plan());
                if (checkpoint != null) {
                    engine.resume(checkpoint);
                    out().message(
                                    "resumed %s at step %,d"
                                            .formatted(checkpoint.directory(), engine.step()));
                }
                if (store != null) {
                    out().message(
                                    "resumed the store %s at step %,d%s"
                                            .formatted(
                                                    store.directory(),
                                                    engine.step(),
                                                    generation == Generation.previous
                                                            ? "; its later commits are given up"
                                                            : ""));
                }
                return train(engine, loaded, total, stop);
            }
        }
    }

    /** Returns the run whose store --resume names; null if it names a checkpoint, or nothing. */
    private Stores.@Nullable RunStore leftStore() {
        if (resumeFrom == null
                || Checkpoint.isPresent(resumeFrom)
                || !Stores.isPresent(resumeFrom)) {
            return null;
        }
        try {
            return Stores.resumable(resumeFrom);
        } catch (StorageException e) {
            throw new UserMistakeException(e.getMessage(), e);
        }
    }

    private OptionalLong wantedSeed(
            @Nullable Checkpoint checkpoint, Stores.@Nullable RunStore store) {
        if (seed != null) {
            return OptionalLong.of(seed);
        }
        if (checkpoint != null) {
            return OptionalLong.of(checkpoint.header().state().seed());
        }
        return store == null
                ? OptionalLong.empty()
                : store.lastCommit().stream().mapToLong(commit -> commit.run().seed()).findFirst();
    }

    private static void check(String option, int value, int least) {
        if (value < least) {
            throw new UserMistakeException(
                    "%s is %d; it must be at least %d.".formatted(option, value, least));
        }
    }

    private static int workers(Setup.Loaded loaded) {
        int share = Math.max(1, Runtime.getRuntime().availableProcessors() / loaded.ranks());
        return loaded.config().jvm().workers().orElse(share);
    }

    /** Says what is not as the configuration may lead one to expect. */
    private void remarks(TrainingPlan plan) {
        int auto = 0;
        int idle = 0;
        for (Decision decision : plan.decisions()) {
            switch (decision.kind()) {
                case AUTO -> auto++;
                case NO_EFFECT -> idle++;
                case WARNING ->
                        out().message(
                                        "warning: %s %s"
                                                .formatted(decision.place(), decision.text()));
            }
        }
        if (auto + idle > 0) {
            out().message(
                            "%d values of \"auto\" decided, %d settings without effect here; ds plan names them"
                                    .formatted(auto, idle));
        }
    }

    private static String describe(Setup.Loaded loaded) {
        return String.format(
                Locale.ROOT,
                "model %s, %,d parameters; data %s; config %s",
                loaded.spec().provider().name(),
                loaded.model().layout().elements(),
                loaded.train().describe(),
                loaded.configFile());
    }

    private Checkpoint openCheckpoint(Path from, Setup.Loaded loaded) {
        Checkpoint checkpoint = openPresent(from, "--resume");
        checkpoint.notes().forEach(note -> out().message("ds: " + note));
        try {
            checkpoint.requireLayout(TensorShape.of(loaded.model().layout()));
        } catch (CheckpointException e) {
            checkpoint.close();
            throw new UserMistakeException(e.getMessage(), e);
        }
        return checkpoint;
    }

    /** Opens a checkpoint; that there is none is the user's mistake, a corrupt one is a failure. */
    static Checkpoint openPresent(Path directory, String option) {
        if (!Checkpoint.isPresent(directory)) {
            throw new UserMistakeException(
                    "There is no checkpoint in %s; give %s the directory that --save wrote."
                            .formatted(directory, option));
        }
        return Checkpoint.open(directory);
    }

    private int train(Engine engine, Setup.Loaded loaded, long total, StopSignal stop) {
        long first = engine.step();
        TrainingPlan plan = engine.plan();
        Progress progress =
                new Progress(out(), first, total, plan.logEverySteps(), plan.wallClockBreakdown());
        long saved = first;
        long evaluated = -1;
        StepReport last = null;
        GemmShare gemmShare = new GemmShare(engine::productRate);
        long start = System.nanoTime();
        try (MetricsWriter metrics =
                metricsFile == null ? null : MetricsWriter.open(metricsFile, first)) {
            while (engine.step() < total && !stop.isRequested()) {
                last = engine.trainStep();
                if (last.step() == first + 1) {
                    summary.put(
                            "first_step_seconds", (System.nanoTime() - Main.STARTED_NANOS) / 1e9);
                }
                tokens += last.targets();
                curve.add(last.step(), last.loss());
                progress.show(last);
                if (metrics != null) {
                    metrics.write(last.step(), values(gemmShare, last));
                }
                if (saveTo != null && last.step() % saveEvery == 0) {
                    save(engine, saveTo);
                    saved = last.step();
                }
                if (evaluateEvery > 0 && last.step() % evaluateEvery == 0 && !stop.isRequested()) {
                    evaluate(engine, loaded, progress);
                    evaluated = last.step();
                }
            }
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        out().endLine();
        if (saveTo != null && (saved != engine.step() || !Checkpoint.isPresent(saveTo))) {
            save(engine, saveTo);
        }
        summary.put("steps", engine.step());
        summary.put("seconds", seconds);
        if (last != null) {
            summary.put("loss", last.loss());
            summary.put("tokens_per_second", tokens / seconds);
        }
        if (stop.isRequested()) {
            out().message("stopped after step %,d%s".formatted(engine.step(), saved(engine)));
            out().document(summary);
            return Main.FAILURE; // the JVM turns it into 130 or 143
        }
        if (last != null && !Double.isFinite(last.loss())) {
            throw new TrainingException(
                    "The loss of the last step, %,d, is %s, so the run came to nothing. Lower the learning rate, look at the data, or set gradient_clipping."
                            .formatted(last.step(), last.loss()));
        }
        if (evaluated != engine.step()) {
            evaluate(engine, loaded, progress);
        }
        finish(engine, loaded, seconds);
        return Main.OK;
    }

    /** Says where a run that was stopped can go on from; a store on NVMe is kept for it. */
    private String saved(Engine engine) {
        if (saveTo != null) {
            return ", saved in " + saveTo;
        }
        return engine.keepStore()
                .map(store -> "; go on with --resume " + store)
                .orElse("; nothing was saved (no --save)");
    }

    private Map<String, Object> values(GemmShare gemmShare, StepReport report) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("loss", report.loss());
        values.put("lr", report.lr());
        values.put("grad_norm", report.gradNorm());
        values.put("loss_scale", report.lossScale());
        values.put("skipped", report.skipped());
        values.put("tokens_per_second", report.tokensPerSecond());
        values.put("tokens_seen", report.samplesSeen() * (report.targets() / report.samples()));
        values.put("samples_seen", report.samplesSeen());
        values.put("seconds", report.nanos() / 1e9);
        values.put("gemm_share", gemmShare.of(report));
        Map<String, Long> phases = new TreeMap<>(report.phaseNanos());
        values.put("io_stall", Objects.requireNonNullElse(phases.remove(IO_WAIT), 0L) / 1e9);
        Transfers moved = report.transfers();
        values.put("io_read_bytes", moved.readBytes());
        values.put("io_written_bytes", moved.writtenBytes());
        values.put("io_overlap", moved.overlap());
        phases.forEach((phase, nanos) -> values.put(phase + "_seconds", nanos / 1e9));
        return values;
    }

    private void save(Engine engine, Path directory) {
        summary.put("checkpoint", engine.saveCheckpoint(directory).toString());
        if (keep > 0) {
            Checkpoints.keepNewest(directory, keep);
        }
    }

    private void evaluate(Engine engine, Setup.Loaded loaded, Progress progress) {
        loaded.validation()
                .ifPresent(
                        data -> {
                            double loss = engine.evaluate(data).loss();
                            curve.addValidation(engine.step(), loss);
                            summary.put("validation_loss", loss);
                            progress.line(
                                    String.format(
                                            Locale.ROOT,
                                            "step %d: validation loss %.4f",
                                            engine.step(),
                                            loss));
                        });
    }

    private void finish(Engine engine, Setup.Loaded loaded, double seconds) {
        if (!curve.isEmpty()) {
            out().result("\n" + curve.text(PLOT_COLUMNS, PLOT_ROWS));
        }
        if (plotFile != null) {
            curve.writeSvg(plotFile, loaded.spec().canonical() + ", " + loaded.configFile());
        }
        out().result(
                        String.format(
                                Locale.ROOT,
                                "%,d steps in %.1f s, %,.0f tokens/s",
                                engine.step(),
                                seconds,
                                tokens / seconds));
        validationLine(loaded);
        if (sampleTokens > 0
                && loaded.train() instanceof TextDataset
                && loaded.model().layout().elements() > 0) {
            String text =
                    engine.generate(PROMPT, g -> g.tokens(sampleTokens).temperature(TEMPERATURE));
            summary.put("sample", text);
            out().result("\nsample:\n" + Printable.of(text));
        }
        if (saveTo != null) {
            out().result("\ncheckpoint: " + summary.get("checkpoint"));
        }
        out().document(summary);
    }

    private void validationLine(Setup.Loaded loaded) {
        if (!(summary.get("validation_loss") instanceof Double loss)) {
            return;
        }
        StringBuilder line =
                new StringBuilder(String.format(Locale.ROOT, "validation loss %.4f", loss));
        if (loaded.train() instanceof TextDataset train
                && loaded.validation().orElse(train) instanceof TextDataset validation) {
            double bigram = new ByteBigram(train).loss(validation);
            summary.put("bigram_loss", bigram);
            summary.put("bits_per_byte", loss / StrictMath.log(2));
            line.append(
                    String.format(
                            Locale.ROOT,
                            " nats per byte, byte bigram %.4f: %.4f %s",
                            bigram,
                            Math.abs(bigram - loss),
                            loss < bigram ? "below it" : "above it"));
        }
        out().result(line.toString());
    }
}
