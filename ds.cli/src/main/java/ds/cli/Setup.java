package ds.cli;

import ds.config.BatchSizes;
import ds.config.CheckOptions;
import ds.config.DsConfig;
import ds.core.KeyDeclaration;
import ds.engine.data.DataOptions;
import ds.engine.data.Dataset;
import ds.engine.data.Datasets;
import ds.engine.data.Split;
import ds.model.TrainableModel;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Optimizers;
import ds.optim.spi.ScheduleProvider;
import ds.optim.spi.Schedules;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a run is made of, as {@code train} and {@code plan} are told: configuration, model, data. */
final class Setup {
    private static final int STEPS = 600;
    private static final double EVALUATION_SHARE = 0.05;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "DeepSpeed configuration (default: examples/gpt-text).")
    private @Nullable Path configFile; // null: not given

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description =
                    "gpt[:layers=4,width=128,heads=4,context=128,tied=true], mlp[:hidden=64x64], or a JSON file (default: ${DEFAULT-VALUE}).")
    private String model = "gpt";

    @Option(
            names = "--data",
            paramLabel = "FILE",
            description =
                    "Text, .csv (with --target), .jsonl with 'text', .idx[.gz] (default: examples/gpt-text).")
    private @Nullable Path dataFile; // null: not given

    @Option(
            names = "--target",
            paramLabel = "COLUMN",
            description = "The column of a .csv that is predicted: name, or index from 0.")
    private @Nullable String target; // null: not given

    @Option(
            names = "--world-size",
            paramLabel = "RANKS",
            description =
                    "Local data-parallel ranks (default: what the batch sizes say, otherwise 1).")
    private @Nullable Integer worldSize; // null: not given

    @Option(
            names = "--steps",
            paramLabel = "N",
            description =
                    "Train until this step, resumed ones counted (default: the schedule's total_num_steps, otherwise 600).")
    private @Nullable Integer steps; // null: not given

    @Option(
            names = "--eval-split",
            paramLabel = "SHARE",
            description = "Share of the data held out, 0 for none (default: ${DEFAULT-VALUE}).")
    private double evaluationShare = EVALUATION_SHARE;

    Setup() {}

    /**
     * What the options became.
     *
     * @param configFile what was read
     * @param config its content
     * @param ranks local ranks
     * @param steps the step at which a run ends
     * @param spec the model's description
     * @param model the model
     * @param train what is trained on
     * @param validation what is held out, if anything
     */
    record Loaded(
            Path configFile,
            DsConfig config,
            int ranks,
            long steps,
            ModelSpec spec,
            TrainableModel model,
            Dataset train,
            Optional<Dataset> validation) {}

    /** Reads everything for {@code command}; problems of the configuration have their places. */
    Loaded load(Command command) {
        if (!(evaluationShare >= 0 && evaluationShare < 1)) {
            throw new UserMistakeException(
                    "--eval-split is %s; it must be 0 or more and below 1."
                            .formatted(evaluationShare));
        }
        OptionalInt lastStep = atLeastOne("--steps", steps);
        Path file = configFile == null ? Example.config() : configFile;
        DsConfig config = readConfig(file, command);
        int ranks = ranks(config);
        ModelSpec spec = ModelSpec.parse(model);
        DataOptions options = DataOptions.DEFAULT.withContext(spec.context());
        if (target != null) {
            options = options.withTarget(target);
        }
        Path data = dataFile == null ? Example.text() : dataFile;
        Dataset train;
        Optional<Dataset> validation = Optional.empty();
        if (evaluationShare > 0) {
            Split split = Datasets.openSplit(data, options, 1 - evaluationShare);
            train = split.train();
            validation = Optional.of(split.validation());
        } else {
            train = Datasets.open(data, options);
        }
        return new Loaded(
                file,
                config,
                ranks,
                lastStep.isPresent() ? lastStep.getAsInt() : scheduledSteps(config).orElse(STEPS),
                spec,
                spec.create(train.shape()),
                train,
                validation);
    }

    /** Returns what an option counts, or empty if it was not given. */
    static OptionalInt atLeastOne(String option, @Nullable Integer value) {
        if (value == null) {
            return OptionalInt.empty();
        }
        if (value < 1) {
            throw new UserMistakeException(
                    "%s is %d; it must be at least 1.".formatted(option, value));
        }
        return OptionalInt.of(value);
    }

    private DsConfig readConfig(Path file, Command command) {
        CheckOptions options = plugins(CheckOptions.none());
        OptionalInt ranks = atLeastOne("--world-size", worldSize);
        if (ranks.isPresent()) {
            options = options.worldSize(ranks.getAsInt());
        }
        return command.checked(DsConfig.check(file, options)).orThrow();
    }

    /** Returns the options with every optimizer and schedule of this installation. */
    static CheckOptions plugins(CheckOptions options) {
        Map<String, List<KeyDeclaration>> optimizers = new HashMap<>();
        for (OptimizerProvider provider : Optimizers.in(ModuleLayer.boot()).all()) {
            optimizers.put(provider.name(), Optimizers.settings(provider));
        }
        Map<String, List<KeyDeclaration>> schedules = new HashMap<>();
        for (ScheduleProvider provider : Schedules.in(ModuleLayer.boot()).all()) {
            schedules.put(provider.name(), Schedules.settings(provider));
        }
        return options.plugins(optimizers, schedules);
    }

    private int ranks(DsConfig config) {
        OptionalInt asked = atLeastOne("--world-size", worldSize);
        if (asked.isPresent()) {
            return asked.getAsInt();
        }
        BatchSizes sizes = config.batch();
        if (sizes.train().isPresent()
                && sizes.micro().isPresent()
                && sizes.accumulation().isPresent()) {
            long perRank = sizes.micro().getAsLong() * sizes.accumulation().getAsLong();
            long ranks = perRank > 0 ? sizes.train().getAsLong() / perRank : 1;
            return Math.clamp(ranks, 1, Short.MAX_VALUE);
        }
        return 1;
    }

    /** Returns the steps that the schedule is made for, if it says. */
    private static OptionalInt scheduledSteps(DsConfig config) {
        Object steps = config.scheduler().map(s -> s.params().get("total_num_steps")).orElse(null);
        return steps instanceof Number number && number.intValue() > 0
                ? OptionalInt.of(number.intValue())
                : OptionalInt.empty();
    }
}
