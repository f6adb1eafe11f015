package ds.benchmarks;

import ds.config.DsConfig;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.data.TextDataset;
import ds.model.builtin.Gpt;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Whole steps of the engine on a small GPT (by default 4 layers, width 256, 1,024 tokens per step,
 * 3.3 M parameters) beside our own products of 1,024 × 1,024 matrices in fp32 on two workers. Units
 * are the multiply-adds of the model's matrix products: forward, twice that backward, half of the
 * attention masked; nothing counts twice where a unit is computed again.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 1, time = 1)
@Measurement(iterations = 4, time = 1)
public class StepBenchmark {
    private static final int CONTEXT = 128;
    private static final int BATCH = 8;
    private static final int HEADS = 4;
    private static final int TEXT_BYTES = 1 << 16;
    private static final int THREADS = 2;

    /** Created by JMH. */
    public StepBenchmark() {}

    /** One engine. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public static class Training {
        /** Precision, stage, ranks x workers, and nvme where optimizer state rests there. */
        @Param({
            "fp32-stage0-1x2",
            "fp32-stage3-1x2",
            "fp32-stage0-2x1",
            "fp32-stage3-2x1",
            "fp32-stage3-1x2-nvme",
            "fp32-stage3-2x1-nvme",
            "bf16-stage0-1x2",
            "bf16-stage3-1x2",
            "bf16-stage0-2x1",
            "bf16-stage3-2x1",
            "bf16-stage3-1x2-nvme",
            "bf16-stage3-2x1-nvme"
        })
        public String run = "fp32-stage0-1x2";

        /** Blocks of the model. */
        @Param("4")
        public int layers;

        /** Width of the model. */
        @Param("256")
        public int width;

        /** Rows, columns and depth of the product that is the ceiling. */
        @Param("1024")
        public int product;

        private Ceiling ceiling;
        private Place place;
        private Rig rig;
        private Engine engine;

        /** Created by JMH. */
        public Training() {}

        /** Plans, allocates and draws initial values. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            ceiling = times;
            place = Place.create();
            rig = Rig.of(THREADS);
            rig.rivalSgemm(times, operations(), product);
            String[] parts = run.split("-");
            int ranks = Integer.parseInt(parts[2].split("x")[0]);
            int workers = Integer.parseInt(parts[2].split("x")[1]);
            engine =
                    DeepSpeed.initialize(
                            Gpt.of(
                                    g ->
                                            g.layers(layers)
                                                    .width(width)
                                                    .heads(HEADS)
                                                    .context(CONTEXT)
                                                    .vocabulary(TextDataset.VOCABULARY)),
                            config(parts, ranks),
                            o ->
                                    o.trainingData(TextDataset.of("noise", noise(), CONTEXT))
                                            .ranks(ranks)
                                            .workers(workers));
            ceiling.warmUp(engine::trainStep);
        }

        private DsConfig config(String[] parts, int ranks) {
            Map<String, Object> zero = new HashMap<>();
            zero.put("stage", Integer.parseInt(parts[1].substring("stage".length())));
            if (parts.length > 3) {
                zero.put(
                        "offload_optimizer",
                        Map.of("device", parts[3], "nvme_path", place.directory().toString()));
            }
            return DsConfig.of(
                    Map.of(
                            "train_batch_size",
                            BATCH,
                            "train_micro_batch_size_per_gpu",
                            BATCH / ranks,
                            "optimizer",
                            Map.of("type", "AdamW", "params", Map.of("lr", 1e-3)),
                            "zero_optimization",
                            zero,
                            "bf16",
                            Map.of("enabled", parts[0].equals("bf16"))));
        }

        private static byte[] noise() {
            byte[] text = new byte[TEXT_BYTES];
            new Random(1).nextBytes(text);
            return text;
        }

        private double operations() {
            double weights =
                    12.0 * layers * width * width + (double) TextDataset.VOCABULARY * width;
            double attention = (double) layers * CONTEXT * width;
            return 6.0 * BATCH * CONTEXT * (weights + attention);
        }

        /** Gives the ceiling its turn. */
        @Setup(Level.Invocation)
        public void rival() {
            ceiling.next();
        }

        /** Ends the ranks and frees everything. */
        @TearDown(Level.Trial)
        public void close() {
            engine.close();
            rig.close();
            place.close();
        }
    }

    /** Makes one step of 1,024 tokens. */
    @Benchmark
    public Object step(Training training) {
        return training.engine.trainStep();
    }
}
