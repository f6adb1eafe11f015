package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Diagnostic;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What only running it here is about leaves the document sound, and says where and what instead. */
class RuntimeRulesTest {
    private static final String ADAM = "\"optimizer\": {\"type\": \"AdamW\"}";

    private static ConfigCheck check(String rest) {
        return DsConfig.check("{\"train_batch_size\": 8,\n" + rest + "}", CheckOptions.none());
    }

    private static ConfigCheck zero(int stage, String rest) {
        return check(ADAM + ",\n\"zero_optimization\": {\"stage\": " + stage + ",\n" + rest + "}");
    }

    private static void assertRefused(String code, String expected, ConfigCheck check) {
        assertTrue(check.isOk());
        assertFalse(check.isRunnable());
        Diagnostic found = only(check);
        assertEquals(Diagnostic.Phase.RUNTIME, found.phase());
        assertEquals(code, found.code());
        assertEquals(expected, found.toString());
        assertTrue(check.config().isPresent(), "what it says can still be looked at");
        assertThrows(ConfigException.class, check::orThrow);
        String json = CheckReport.json(List.of(check));
        assertTrue(json.contains("\"ok\":true,\"runnable\":false"), json);
        assertTrue(json.contains("\"phase\":\"runtime\",\"code\":\"" + code + "\""), json);
    }

    private static void assertHonoured(String expected, ConfigCheck check) {
        assertTrue(check.isRunnable());
        Diagnostic found = only(check);
        assertEquals(Diagnostic.Phase.RUNTIME, found.phase());
        assertEquals(Diagnostic.Severity.WARNING, found.severity());
        assertEquals("offload-stage", found.code());
        assertEquals(expected, found.toString());
    }

    private static Diagnostic only(ConfigCheck check) {
        assertEquals(1, check.diagnostics().size(), check.diagnostics().toString());
        return check.diagnostics().getFirst();
    }

    @Test
    void nvmeNeedsAPath() {
        String way =
                " (5:22): device is 'nvme', but there is no nvme_path. Add \"nvme_path\":"
                        + " \"/a/directory/on/the/drive\" beside it.";
        for (String section : new String[] {"offload_optimizer", "offload_param"}) {
            assertRefused(
                    "nvme-path",
                    "/zero_optimization/" + section + "/device" + way,
                    zero(3, "\"" + section + "\":\n          {\"device\": \"nvme\"}"));
        }
    }

    @Test
    void parametersRestElsewhereAtStageThreeOnly() {
        String text =
                "offload_param is 'cpu' at stage 2; parameters rest elsewhere only where they are"
                        + " sharded. Use \"stage\": 3, or remove offload_param.";
        ConfigCheck check = zero(2, "\"offload_param\": {\"device\": \"cpu\"}");
        assertRefused(
                "offload-param-stage",
                "/zero_optimization/offload_param/device (4:29): " + text,
                check);
        assertEquals("/zero_optimization/stage", only(check).related().getFirst().pointer());
        assertEquals(3, only(check).related().getFirst().line());
        assertTrue(zero(3, "\"offload_param\": {\"device\": \"cpu\"}").isRunnable());
    }

    @Test
    void theOldFormOfParameterOffloadIsHeldToTheSameRule() {
        ConfigCheck check = zero(1, "\"cpu_offload_param\": true");
        assertTrue(check.isOk());
        assertFalse(check.isRunnable());
        assertTrue(
                check.diagnostics().stream()
                        .anyMatch(
                                d ->
                                        d.code().equals("offload-param-stage")
                                                && d.pointer()
                                                        .equals(
                                                                "/zero_optimization/cpu_offload_param")
                                                && d.line() == 4));
    }

    @Test
    void aPathThatNoFileCanHaveIsRefusedAndDoesNotThrow() {
        ConfigCheck check =
                zero(
                        3,
                        "\"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": \"/a\ud800\"}");
        assertFalse(check.isRunnable());
        assertEquals("nvme-path", only(check).code());
        assertEquals("/zero_optimization/offload_optimizer/nvme_path", only(check).pointer());
        assertTrue(check.config().orElseThrow().zero().offloadOptimizer().nvmePath().isEmpty());
    }

    @Test
    void aSchedulerNeedsAnOptimizer() {
        assertRefused(
                "no-optimizer",
                "/scheduler (2:14): There is a scheduler, but no optimizer whose learning rate it"
                        + " could set. Add \"optimizer\": {\"type\": \"AdamW\", \"params\": {\"lr\":"
                        + " 1e-3}}, or remove the scheduler.",
                check("\"scheduler\": {\"type\": \"WarmupLR\"}"));
        assertTrue(check(ADAM + ", \"scheduler\": {\"type\": \"WarmupLR\"}").isRunnable());
    }

    @Test
    void trainingNeedsAnOptimizerThoughADocumentMayLackIt() {
        ConfigCheck check = check("\"gradient_clipping\": 1");
        assertTrue(check.isRunnable(), "DeepSpeed takes one from the program too");
        Diagnostic found = only(check);
        assertEquals(Diagnostic.Severity.WARNING, found.severity());
        assertEquals("no-optimizer", found.code());
        assertEquals(
                "/optimizer (1:1): There is no optimizer: the document is sound, but training here"
                        + " needs one. Add \"optimizer\": {\"type\": \"AdamW\", \"params\":"
                        + " {\"lr\": 1e-3}}.",
                found.toString());
    }

    @Test
    void aHysteresisThatNeverEndsIsRefused() {
        for (int overflows : new int[] {0, -3}) {
            assertRefused(
                    "range",
                    "/fp16/hysteresis (2:77): 'hysteresis' is %d; below 1 the loss scale would never"
                                    .formatted(overflows)
                            + " shrink and every step be skipped. Write 1 or more; the default is 2.",
                    check(ADAM + fp16(overflows, "")));
        }
        assertTrue(check(ADAM + fp16(0, ", \"loss_scale\": 128")).isRunnable());
        assertTrue(check(ADAM + fp16(1, "")).isRunnable());
    }

    private static String fp16(int hysteresis, String more) {
        return ",     \"fp16\": {\"enabled\": true, \"hysteresis\": %d%s}"
                .formatted(hysteresis, more);
    }

    @Test
    void aStepOfMoreSamplesThanCanBeNumberedIsRefused() {
        String text = "{%s, " + ADAM + "}";
        String rule = " samples is more than this runtime can number (2,147,483,647). Lower it.";
        for (CheckOptions options :
                List.of(CheckOptions.none(), CheckOptions.none().worldSize(1))) {
            assertRefused(
                    "batch",
                    "/train_batch_size (1:22): A step of 2,147,483,648" + rule,
                    DsConfig.check(text.formatted("\"train_batch_size\": 2147483648"), options));
            assertRefused(
                    "batch",
                    "/train_micro_batch_size_per_gpu (1:36): A step of 3,000,000,000" + rule,
                    DsConfig.check(
                            text.formatted("\"train_micro_batch_size_per_gpu\": 3000000000"),
                            options));
            assertTrue(
                    DsConfig.check(text.formatted("\"train_batch_size\": 2147483647"), options)
                            .isRunnable());
        }
        assertRefused(
                "batch",
                "/train_micro_batch_size_per_gpu (1:36): A step of 4,000,000,000" + rule,
                DsConfig.check(
                        text.formatted("\"train_micro_batch_size_per_gpu\": 1000000000"),
                        CheckOptions.none().worldSize(4)));
    }

    @Test
    void offloadThatDeepSpeedDoesOtherwiseIsSaid() {
        assertHonoured(
                "/zero_optimization/offload_optimizer/device (4:34): offload_optimizer is 'cpu' at"
                        + " stage 0: every rank keeps all optimizer state there. DeepSpeed offloads"
                        + " nothing at stage 0. Use \"stage\": 1 or more to spread the state over"
                        + " the ranks.",
                zero(0, " \"offload_optimizer\": {\"device\": \"cpu\"}"));
        assertHonoured(
                "/zero_optimization/offload_optimizer/device (4:34): offload_optimizer is 'nvme' at"
                        + " stage 2: the state rests on NVMe. DeepSpeed keeps it in host memory"
                        + " below stage 3. Write \"device\": \"cpu\" for what DeepSpeed does.",
                zero(2, " \"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": \"/a\"}"));
        assertEquals(
                0,
                zero(3, "\"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": \"/a\"}")
                        .diagnostics()
                        .size());
        assertEquals(
                0, zero(2, "\"offload_optimizer\": {\"device\": \"cpu\"}").diagnostics().size());
    }

    @Test
    void buffersOnTheDriveAreOneTo256OfAtLeastABlock() {
        assertEquals(
                "/zero_optimization/offload_param/buffer_size (2:105): 'buffer_size' is 1,023 elements"
                        + " of 4 bytes; a staging buffer holds 4,096 bytes or more. Write 1024 or"
                        + " more, or remove it for the default.",
                buffers("\"buffer_size\": 1023", ""));
        assertEquals("", buffers("\"buffer_size\": 1024", ""));
        String brain = ", \"bf16\": {\"enabled\": true}";
        assertEquals("", buffers("\"buffer_size\": 2048", brain));
        assertTrue(
                buffers("\"buffer_size\": 2047", brain)
                        .contains("'buffer_size' is 2,047 elements of 2 bytes;"));
        for (long count : List.of(0L, 257L, 1L << 40)) {
            assertEquals(
                    "/zero_optimization/offload_param/buffer_count (2:106): 'buffer_count' is %,d; a rank has 1 to 256 staging buffers on NVMe. Write one of these, or remove it for the default."
                            .formatted(count),
                    buffers("\"buffer_count\": " + count, ""));
        }
        assertEquals("", buffers("\"buffer_count\": 256", ""));
        assertTrue(
                zero(3, "\"offload_param\": {\"device\": \"cpu\", \"buffer_size\": 1}")
                        .isRunnable());
    }

    private static String buffers(String key, String more) {
        return refusal(
                "\"zero_optimization\": {\"stage\": 3, \"offload_param\": {\"device\": \"nvme\", \"nvme_path\": \"/a\", "
                        + key
                        + "}}"
                        + more);
    }

    @Test
    void severalPathsStandInPlaceOfOne() {
        String several = ", \"jvm\": {\"nvme_paths\": [\"/a\", \"/b\"]}";
        String states =
                "\"zero_optimization\": {\"stage\": 3, \"offload_optimizer\": {\"device\": \"nvme\"%s}}";
        assertEquals("", refusal(states.formatted("") + several));
        assertEquals(
                "/zero_optimization/offload_optimizer/nvme_path (2:75): There are 'nvme_path' and"
                        + " 'jvm.nvme_paths', and files lie in one path or in several. Remove one of"
                        + " the two.",
                refusal(states.formatted(", \"nvme_path\": \"/c\"") + several));
        assertTrue(
                refusal(states.formatted("") + ", \"jvm\": {\"nvme_paths\": []}")
                        .contains("/jvm/nvme_paths"));
        ConfigCheck unused = check(ADAM + ", \"jvm\": {\"nvme_paths\": [\"/a\", \"/b\"]}");
        assertTrue(unused.isRunnable());
        assertEquals("no-effect", only(unused).code());
        assertEquals("/jvm/nvme_paths", only(unused).pointer());
    }

    @Test
    void aRatioWithoutADriveIsSaidToHaveNoEffect() {
        ConfigCheck check =
                zero(3, " \"offload_optimizer\": {\"device\": \"cpu\", \"ratio\": 0.5}");
        assertTrue(check.isRunnable());
        assertEquals("no-effect", only(check).code());
        assertEquals(Diagnostic.Severity.NOTE, only(check).severity());
        assertEquals(
                "/zero_optimization/offload_optimizer/ratio (4:41): 'ratio' has no effect here where"
                        + " 'device' is 'cpu': the state that is not offloaded rests in the same"
                        + " memory.",
                only(check).toString());
        String nvme = "{\"device\": \"nvme\", \"nvme_path\": \"/a\", \"ratio\": 0.5}";
        assertEquals(0, zero(3, "\"offload_optimizer\": " + nvme).diagnostics().size());
    }

    @Test
    void aPrefetchBucketWithoutADriveIsSaidToHaveNoEffect() {
        String bucket = "\"stage3_prefetch_bucket_size\": %s, \"offload_param\": %s";
        String cpu = "{\"device\": \"cpu\"}";
        ConfigCheck check = zero(3, bucket.formatted("1000", cpu));
        assertTrue(check.isRunnable());
        assertEquals("no-effect", only(check).code());
        assertEquals(
                "/zero_optimization/stage3_prefetch_bucket_size (4:1): 'stage3_prefetch_bucket_size'"
                        + " has no effect here: parameters rest in memory, where there is nothing"
                        + " to read ahead.",
                only(check).toString());
        assertTrue(
                only(zero(2, "\"prefetch_bucket_size\": 0"))
                        .message()
                        .endsWith("has no effect here: at stage 2 no units are gathered."));
        assertEquals(0, zero(3, bucket.formatted("5e7", cpu)).diagnostics().size());
        assertEquals(0, zero(3, bucket.formatted("\"auto\"", cpu)).diagnostics().size());
        String nvme = "{\"device\": \"nvme\", \"nvme_path\": \"/a\"}";
        assertEquals(0, zero(3, bucket.formatted("1000", nvme)).diagnostics().size());
    }

    @Test
    void wordsThatDeepSpeedRefusesWhenItStartsAreRefused() {
        assertEquals(
                "/data_types/param_dtype (2:31): 'param_dtype' must be one of fp32, fp16, bf16, was"
                        + " \"double\".",
                refusal("\"data_types\": {\"param_dtype\": \"double\"}"));
        assertEquals(
                "/data_types/grad_accum_dtype (2:36): 'grad_accum_dtype' must be one of fp32, fp16,"
                        + " bf16, was \"int8\".",
                refusal("\"data_types\": {\"grad_accum_dtype\": \"int8\"}"));
        assertEquals(
                "/data_types/param_dtype (2:16): 'param_dtype' is fp16, but parameters are fp32:"
                        + " neither fp16 nor bf16 is enabled. Remove it, or enable what it says.",
                refusal("\"data_types\": {\"param_dtype\": \"torch.half\"}"));
        assertEquals(
                "/log_level (2:14): 'log_level' must be one of debug, info, warning, error,"
                        + " critical, was \"verbose\".",
                refusal("\"log_level\": \"verbose\""));
        assertTrue(check("\"log_level\": \"ERROR\"").isRunnable());
        assertTrue(check("\"data_types\": {\"param_dtype\": \"float32\"}").isRunnable());
    }

    private static String refusal(String member) {
        List<String> errors =
                check(member).diagnostics().stream()
                        .filter(Diagnostic::isError)
                        .map(Diagnostic::toString)
                        .toList();
        return String.join("\n", errors);
    }
}
