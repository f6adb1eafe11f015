package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.DsConfig;
import ds.engine.plan.Decision;
import ds.engine.plan.PlanInputs;
import ds.engine.plan.Planner;
import ds.engine.plan.TrainingPlan;
import ds.model.builtin.Gpt;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The plan says how many units are read ahead of their use, or why none is. */
class ReadAheadPlanTest {
    private static final Gpt MODEL =
            Gpt.of(g -> g.layers(6).width(64).heads(2).context(32).tied(false));

    @TempDir private Path directory;

    private TrainingPlan plan(String zero, String offload) {
        DsConfig config =
                DsConfig.parse(
                        """
                        {"train_batch_size": 2, "optimizer": {"type": "AdamW"},
                         "zero_optimization": {"stage": 3, %s "offload_param": %s}}
                        """
                                .formatted(zero, offload));
        return Planner.plan(
                MODEL.layout(),
                config,
                new PlanInputs(
                        2,
                        Optional.of(1),
                        Optional.empty(),
                        Optional.empty(),
                        32,
                        List.of(),
                        ModuleLayer.boot()));
    }

    private String nvme(String more) {
        return "{\"device\": \"nvme\", \"nvme_path\": \"%s\"%s}".formatted(directory, more);
    }

    private static String line(TrainingPlan plan) {
        return plan.toString()
                .lines()
                .filter(line -> line.startsWith("read ahead"))
                .findFirst()
                .orElse("");
    }

    private static List<String> said(TrainingPlan plan) {
        return plan.decisions().stream()
                .filter(decision -> decision.pointer().endsWith("prefetch_bucket_size"))
                .map(decision -> decision.kind() + " " + decision.text())
                .toList();
    }

    /** A block has 57,344 elements, padding included, of which a rank has half, in one extent. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "50000000 | 1000000000 | 5 | 3 units (172,032 elements, 336.0 KiB of a rank, 3 buffers)",
                "50000000 | 1000000000 | 8 | 5 units (286,720 elements, 560.0 KiB of a rank, 5 buffers)",
                "120000   | 1000000000 | 8 | 2 units (114,688 elements, 224.0 KiB of a rank, 2 buffers)",
                "1        | 1000000000 | 8 | 1 unit (57,344 elements, 112.0 KiB of a rank, 1 buffer)",
                "50000000 | 175000     | 8 | 2 units (114,688 elements, 224.0 KiB of a rank, 2 buffers)",
            })
    void howManyUnitsAndTheirBytes(long bucket, long live, int buffers, String expected) {
        TrainingPlan plan =
                plan(
                        "\"stage3_prefetch_bucket_size\": %d, \"stage3_max_live_parameters\": %d,"
                                .formatted(bucket, live),
                        nvme(", \"max_in_cpu\": 0, \"buffer_count\": " + buffers));
        assertEquals(
                "read ahead   up to %s within a bucket of %,d and %,d live elements"
                        .formatted(expected, bucket, live),
                line(plan));
        assertEquals(List.of(), said(plan));
    }

    @Test
    void whereNoUnitIsReadAheadThePlanSaysWhy() {
        String bucket = "\"stage3_prefetch_bucket_size\": 1000,";
        TrainingPlan none = plan("\"prefetch_bucket_size\": 0,", nvme(", \"max_in_cpu\": 0"));
        assertEquals("read ahead   no unit: stage3_prefetch_bucket_size is 0", line(none));
        assertEquals(List.of(), said(none));

        String kept =
                "max_in_cpu keeps all parameters in memory, where there is nothing to read ahead";
        assertEquals("read ahead   no unit: " + kept, line(plan("", nvme(""))));
        assertEquals(List.of(), said(plan("", nvme(""))));
        String noEffect = "'stage3_prefetch_bucket_size' has no effect here: ";
        assertEquals(
                List.of(Decision.Kind.NO_EFFECT + " " + noEffect + kept + "."),
                said(plan(bucket, nvme(""))));

        TrainingPlan one = plan(bucket, nvme(", \"max_in_cpu\": 0, \"buffer_count\": 1"));
        String alone = "a buffer_count of 1 leaves no buffer to read ahead into";
        assertEquals("read ahead   no unit: " + alone, line(one));
        assertEquals(List.of(Decision.Kind.NO_EFFECT + " " + noEffect + alone + "."), said(one));

        TrainingPlan cpu = plan(bucket, "{\"device\": \"cpu\"}");
        assertEquals("", line(cpu));
        assertEquals(
                List.of(
                        Decision.Kind.NO_EFFECT
                                + " "
                                + noEffect
                                + "parameters rest in memory, where there is nothing to read ahead."),
                said(cpu));
    }

    @Test
    void anAutomaticBucketIsTheTrainersAndHonoured() {
        TrainingPlan plan =
                plan("\"stage3_prefetch_bucket_size\": \"auto\",", nvme(", \"max_in_cpu\": 0"));
        assertEquals(
                List.of(Decision.Kind.AUTO + " became 3686: hidden size 64 squared x 0.9"),
                said(plan));
        assertEquals(3686, plan.zero().parameters().aheadElements());
        assertTrue(line(plan).startsWith("read ahead   up to 1 unit ("), line(plan));
    }
}
