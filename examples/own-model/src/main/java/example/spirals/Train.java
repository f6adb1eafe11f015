package example.spirals;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.StepReport;
import ds.engine.data.DataOptions;
import ds.engine.data.Datasets;
import ds.engine.data.Split;
import java.nio.file.Path;

/** Trains {@link SpiralNet} on a table: {@code Train CONFIG CSV STEPS}. */
public final class Train {
    private static final int LINES = 10;

    private Train() {}

    /** Prints the loss on both parts of the table as it falls. */
    public static void main(String[] args) {
        DsConfig config = DsConfig.read(Path.of(args[0]));
        DataOptions options = DataOptions.DEFAULT.withTarget("arm");
        Split data = Datasets.openSplit(Path.of(args[1]), options, 0.8);
        int steps = Integer.parseInt(args[2]);
        int arms = data.train().shape().outputElements();
        try (Engine engine =
                DeepSpeed.initialize(
                        new SpiralNet(arms), config, o -> o.trainingData(data.train()).ranks(2))) {
            System.out.printf("guess  %.4f%n", StrictMath.log(arms));
            for (StepReport report : engine.steps(steps)) {
                if (report.step() % Math.max(1, steps / LINES) == 0) {
                    System.out.printf(
                            "step %4d  train %.4f  validation %.4f%n",
                            report.step(),
                            report.loss(),
                            engine.evaluate(data.validation()).loss());
                }
            }
        }
    }
}
