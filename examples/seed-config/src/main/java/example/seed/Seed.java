package example.seed;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.data.DataOptions;
import ds.engine.data.Dataset;
import ds.engine.data.Datasets;
import ds.engine.plan.TrainingPlan;
import ds.model.TrainableModel;
import ds.model.builtin.Gpt;
import ds.model.builtin.Mlp;
import java.nio.file.Path;
import java.util.Map;

/**
 * Trains {@code gpt} or {@code mlp} by any configuration: {@code Seed DATA RANKS STEPS CONFIG...},
 * where a CONFIG of {@code seed} is the dictionary below. Nothing here knows stages, precisions,
 * optimizers or offload: that is the configuration's business.
 */
public final class Seed {
    /** A DeepSpeed configuration as a Java value. */
    public static final Map<String, Object> DICTIONARY =
            Map.of(
                    "train_batch_size", 32,
                    "gradient_accumulation_steps", 4,
                    "optimizer", Map.of("type", "Adam", "params", Map.of("lr", 1e-4)),
                    "fp16", Map.of("enabled", true, "loss_scale", 0),
                    "zero_optimization", Map.of("stage", 2));

    private static final int CONTEXT = 32;
    private static final double TEXT_SHARE = 0.01; // enough of a book to see the loss fall

    /**
     * What came of one configuration.
     *
     * @param plan what the engine made of it
     * @param before loss before the first step
     * @param after loss on the same data after the last step
     */
    public record Outcome(TrainingPlan plan, double before, double after) {}

    private Seed() {}

    /** Prints one line per configuration. */
    public static void main(String[] args) {
        Dataset data = open(Path.of(args[0]));
        int ranks = Integer.parseInt(args[1]);
        int steps = Integer.parseInt(args[2]);
        for (int i = 3; i < args.length; i++) {
            DsConfig config =
                    args[i].equals("seed")
                            ? DsConfig.of(DICTIONARY)
                            : DsConfig.read(Path.of(args[i]));
            Outcome outcome = train(config, data, ranks, steps);
            System.out.printf("%s  %.4f -> %.4f%n", args[i], outcome.before(), outcome.after());
        }
    }

    /** Opens text for {@code gpt}, or a table whose column {@code arm} is predicted for {@code mlp}. */
    public static Dataset open(Path file) {
        DataOptions options = DataOptions.DEFAULT.withContext(CONTEXT).withTarget("arm");
        Dataset all = Datasets.open(file, options);
        return all.shape().tokens() ? all.split(TEXT_SHARE).train() : all;
    }

    /** Trains for {@code steps} steps. */
    public static Outcome train(DsConfig config, Dataset data, int ranks, int steps) {
        try (Engine engine =
                DeepSpeed.initialize(
                        model(data),
                        config,
                        o -> o.trainingData(data).ranks(ranks).plannedSteps(steps))) {
            double before = engine.evaluate(data).loss();
            for (StepReport report : engine.steps(steps)) {
                if (report.skipped()) {
                    System.out.printf("step %d skipped: overflow%n", report.step());
                }
            }
            return new Outcome(engine.plan(), before, engine.evaluate(data).loss());
        }
    }

    private static TrainableModel model(Dataset data) {
        return data.shape().tokens()
                ? Gpt.of(g -> g.layers(2).width(32).heads(2).context(CONTEXT))
                : Mlp.of(data.shape().inputElements(), 32, data.shape().outputElements());
    }
}
