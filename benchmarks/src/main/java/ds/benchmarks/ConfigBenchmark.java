package ds.benchmarks;

import ds.config.CheckOptions;
import ds.config.DsConfig;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
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
import org.openjdk.jmh.annotations.Warmup;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/** Configurations checked in one warm virtual machine, beside a reader that only walks the tokens. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 1, time = 2)
@Measurement(iterations = 4, time = 2)
public class ConfigBenchmark {
    /** Created by JMH. */
    public ConfigBenchmark() {}

    /** Documents like those of public projects, no two the same; one in four has mistakes. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    public static class Documents {
        private static final String DOCUMENT =
                """
                {
                  // number %1$d
                  "train_batch_size": %2$d,
                  "train_micro_batch_size_per_gpu": %3$d,
                  "gradient_accumulation_steps": 4,
                  "steps_per_print": 2000,
                  "gradient_clipping": 1.0,
                  "optimizer": {
                    "type": "AdamW",
                    "params": {"lr": %4$s, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": "auto"}
                  },
                  "scheduler": {
                    "type": "WarmupDecayLR",
                    "params": {
                      "warmup_min_lr": 0, "warmup_max_lr": %4$s, "warmup_num_steps": 100,
                      "total_num_steps": "auto"
                    }
                  },
                  "bf16": {"enabled": true},
                  "fp16": {
                    "enabled": false, "loss_scale": 0, "initial_scale_power": 16,
                    "loss_scale_window": 1000, "hysteresis": 2, "min_loss_scale": 1
                  },
                  "zero_optimization": {
                    "stage": %5$d,
                    "offload_optimizer": {"device": "cpu", "pin_memory": true},
                    "overlap_comm": true,
                    "contiguous_gradients": true,
                    "sub_group_size": 1e9,
                    "reduce_bucket_size": %6$d,
                    "stage3_prefetch_bucket_size": "auto",
                    "stage3_param_persistence_threshold": "auto",
                    "stage3_max_live_parameters": 1e9,
                    "stage3_max_reuse_distance": 1e9,
                    "stage3_gather_16bit_weights_on_model_save": true
                  },
                  "activation_checkpointing": {"partition_activations": false},
                  "wall_clock_breakdown": false%7$s
                }
                """;
        private static final String MISTAKES =
                ",\n  \"gradient_cliping\": 1.0,\n  \"fp16_enabled\": true,\n  \"dump_state\": 3";
        private static final JsonFactory TOKENS =
                JsonFactory.builder().enable(JsonReadFeature.ALLOW_JAVA_COMMENTS).build();

        /** How many documents one call checks. */
        @Param({"1000"})
        public int documents = 1_000;

        private final List<String> texts = new ArrayList<>();
        private Ceiling ceiling;

        /** Created by JMH. */
        public Documents() {}

        /** Writes the documents. */
        @Setup(Level.Trial)
        public void open(Ceiling times) {
            ceiling = times;
            double sizeBytes = 0;
            for (int i = 0; i < documents; i++) {
                int micro = 1 + i % 8;
                String text =
                        DOCUMENT.formatted(
                                i,
                                32 * micro,
                                micro,
                                (1 + i % 9) + "e-5",
                                1 + i % 3,
                                100_000 + i,
                                i % 4 == 3 ? MISTAKES : "");
                texts.add(text);
                sizeBytes += text.getBytes(StandardCharsets.UTF_8).length;
            }
            double units = 1_000 * sizeBytes; // the figure is in MB/s
            ceiling.measures(units);
            ceiling.add(units, this::walk);
            ceiling.warmUp(this::check);
        }

        /** Gives the ceiling its turn. */
        @Setup(Level.Invocation)
        public void rival() {
            ceiling.next();
        }

        private void walk() {
            for (String text : texts) {
                try (JsonParser parser = TOKENS.createParser(ObjectReadContext.empty(), text)) {
                    while (parser.nextToken() != null) {
                        // only walks
                    }
                }
            }
        }

        /** Returns how many problems all documents have together. */
        private int check() {
            int found = 0;
            CheckOptions options = CheckOptions.none().worldSize(8);
            for (String text : texts) {
                found += DsConfig.check(text, options).diagnostics().size();
            }
            return found;
        }
    }

    /** Checks every document. */
    @Benchmark
    public int check(Documents documents) {
        return documents.check();
    }
}
