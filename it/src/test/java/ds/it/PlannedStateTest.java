package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.core.MemoryKind;
import ds.engine.DeepSpeed;
import ds.engine.Engine;
import ds.engine.data.TextDataset;
import ds.engine.plan.MemoryEstimate;
import ds.model.builtin.Gpt;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Optimizers;
import ds.zero.ZeroUsage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bytes of masters and states that the plan says of each rank are those that its allocator and its
 * files count, exactly: for every optimizer of the runtime, in memory and on NVMe.
 */
class PlannedStateTest {
    private static final int RANKS = 3;
    private static final int GENERATIONS = 2;

    @TempDir private Path directory;

    @BeforeEach
    void writeText() throws IOException {
        Files.writeString(directory.resolve("text.txt"), "the quick brown fox jumps; ".repeat(200));
    }

    static List<String> optimizers() {
        return Optimizers.in(ModuleLayer.boot()).all().stream()
                .filter(p -> "ds.optim.builtin".equals(p.getClass().getModule().getName()))
                .map(OptimizerProvider::name)
                .toList();
    }

    /** Where state may rest, for an optimizer. */
    private record Way(int stage, String place, boolean narrow, boolean frozen, String codec) {}

    private static List<Way> ways(String optimizer) {
        boolean replica = List.of("onebitadam", "onebitlamb", "zerooneadam").contains(optimizer);
        List<Way> ways = new ArrayList<>();
        for (int stage : replica ? new int[] {0} : new int[] {0, 1, 3}) {
            for (boolean narrow : new boolean[] {false, true}) {
                for (String place : List.of("none", "cpu", "nvme")) {
                    ways.add(new Way(stage, place, narrow, false, "fp32"));
                }
            }
        }
        int stage = replica ? 0 : 2;
        ways.add(new Way(stage, "nvme", true, true, "fp32"));
        ways.add(new Way(stage, "cpu", false, true, "int8_block"));
        return ways;
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void isWhatRanksCount(String optimizer) {
        for (Way way : ways(optimizer)) {
            try (Engine engine = engine(optimizer, way)) {
                engine.steps(2).forEach(_ -> {});
                long most = 0;
                for (int rank = 0; rank < RANKS; rank++) {
                    MemoryEstimate planned = engine.plan().memory(rank);
                    assertSame(planned, engine.usage(rank), way, optimizer + " " + way);
                    most = Math.max(most, planned.total());
                }
                assertEquals(most, engine.plan().memory().total(), "the rank that holds the most");
            }
        }
    }

    private static void assertSame(MemoryEstimate planned, ZeroUsage used, Way way, String where) {
        long masters = used.bytes().get(MemoryKind.MASTERS);
        long states = used.bytes().get(MemoryKind.OPTIMIZER_STATES);
        if (!way.place().equals("nvme")) {
            assertEquals(planned.masters(), masters, where);
            assertEquals(planned.states(), states, where);
            assertEquals(0, used.storedBytes(), where);
            return;
        }
        assertTrue(planned.stored() > 0, where);
        assertEquals(planned.stored(), used.storedBytes(), where);
        assertEquals(0, masters, where);
        if (!way.frozen()) {
            long slots = planned.stored() / GENERATIONS - planned.masters();
            assertEquals(planned.states() - slots, states, where + ": what replicas keep");
        }
    }

    private Engine engine(String optimizer, Way way) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": %d, "train_micro_batch_size_per_gpu": 2,
                         "optimizer": {"type": "%s", "params": {"lr": 1e-3%s}},
                         "bf16": {"enabled": %s},
                         "jvm": {"chunk_bytes": 65536, "state_codec": "%s", "parameter_groups": [%s]},
                         "zero_optimization": {"stage": %d,
                             "offload_optimizer": {"device": "%s", "nvme_path": "%s"}}}
                        """
                                .formatted(
                                        2 * RANKS,
                                        optimizer,
                                        more(optimizer),
                                        way.narrow(),
                                        way.codec(),
                                        way.frozen() ? "{\"name\": \"tok\", \"frozen\": true}" : "",
                                        way.stage(),
                                        way.place(),
                                        directory));
        return DeepSpeed.initialize(
                Gpt.of(g -> g.layers(1).width(48).heads(3).context(16)),
                config,
                o ->
                        o.trainingData(TextDataset.bytes(directory.resolve("text.txt"), 16))
                                .ranks(RANKS)
                                .workers(1));
    }

    private static String more(String optimizer) {
        return switch (optimizer) {
            case "adam" -> ", \"amsgrad\": true, \"torch_adam\": true";
            case "sgd" -> ", \"momentum\": 0.9";
            case "muadam", "muadamw", "musgd" ->
                    """
                    , "base_shapes": {"tok": [0, 24], "pos": [0, 24], "head": [0, 24],
                        "*.wqkv": [72, 24], "*.wo": [24, 24], "*.w1": [96, 24], "*.w2": [24, 96],
                        "*.bqkv": [72], "*.b1": [96], "*": [24]}""";
            default -> "";
        };
    }
}
