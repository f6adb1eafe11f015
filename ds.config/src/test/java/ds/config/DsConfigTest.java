package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import ds.core.Settings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A configuration becomes values, or everything that is wrong with it is said at once. */
class DsConfigTest {
    private static final Map<String, Object> SEED =
            Map.of(
                    "train_batch_size",
                    32,
                    "gradient_accumulation_steps",
                    4,
                    "optimizer",
                    Map.of("type", "Adam", "params", Map.of("lr", 1e-4)),
                    "fp16",
                    Map.of("enabled", true, "loss_scale", 0),
                    "zero_optimization",
                    Map.of("stage", 2));

    private static final List<KeyDeclaration> ADAM =
            List.of(
                    KeyDeclaration.number("lr", 1e-3).atLeast(0),
                    KeyDeclaration.numbers("betas", 0.9, 0.999).atLeast(0).below(1).items(2),
                    KeyDeclaration.number("weight_decay", 0).atLeast(0));

    @Test
    void theSeedsDictionaryIsRead() {
        DsConfig config = DsConfig.of(SEED);
        assertEquals(2, config.zero().stage());
        assertTrue(config.fp16().enabled().value());
        assertTrue(config.fp16().isDynamic());
        assertEquals("adam", config.optimizer().orElseThrow().type());
        Settings params = config.optimizer().orElseThrow().settings(ADAM);
        assertEquals(1e-4, params.doubleOr("lr", 0));
        assertEquals(0.999, params.doublesOr("betas")[1]);
        assertEquals(new BatchSizes.Resolved(32, 4, 4, 2), config.batch().resolve(2));
        assertEquals(1.0, config.gradientClipping().value());
        assertEquals(Tunable.Origin.DEFAULT, config.gradientClipping().origin());
    }

    @Test
    void theSameKeysInABuilderGiveTheSameConfiguration() {
        DsConfig built =
                DsConfig.builder()
                        .trainBatchSize(32)
                        .accumulationSteps(4)
                        .optimizer("Adam", Map.of("lr", 1e-4))
                        .fp16()
                        .set("fp16.loss_scale", 0)
                        .zeroStage(2)
                        .build();
        var none = java.util.OptionalInt.empty();
        assertEquals(DsConfig.of(SEED).resolved(none), built.resolved(none));
    }

    @Test
    void theCallersMapIsNeverModified() {
        Map<String, Object> zero = new HashMap<>(Map.of("cpu_offload", true, "stage", 1));
        Map<String, Object> map = new HashMap<>(Map.of("train_batch_size", 8));
        map.put("zero_optimization", zero);
        map.put("steps_per_print", null);
        DsConfig config = DsConfig.of(map);
        assertEquals(OffloadDevice.CPU, config.zero().offloadOptimizer().device());
        assertEquals(Map.of("cpu_offload", true, "stage", 1), zero);
        assertEquals(3, map.size());
    }

    @Test
    void allMistakesAreReportedWithPlaceAndWayOut() {
        String text =
                """
                {
                  "train_batch_size": 33,
                  "train_micro_batch_size_per_gpu": 16,
                  "gradient_accumulation_steps": 1,
                  "gradient_cliping": 1.0,
                  "zero_optimization": { "stage": 4, "queue_depth": 8 },
                  "bf16": { "enabled": true, "loss_scale": 0 },
                  "fp16": { "enabled": true }
                }
                """;
        ConfigCheck check = DsConfig.check(text, CheckOptions.none().worldSize(2));
        assertEquals(
                List.of(
                        "/train_batch_size (2:23): train_batch_size 33 is not 16 (micro) x 1"
                                + " (accumulation) x 2 (ranks). 32 would fit, or drop one of the"
                                + " three.",
                        "/gradient_cliping (5:3): 'gradient_cliping' is not a key here. Did you"
                                + " mean 'gradient_clipping'?",
                        "/zero_optimization/stage (6:35): 'stage' must be an integer, from 0 to 3,"
                                + " was 4.",
                        "/zero_optimization/queue_depth (6:38): 'queue_depth' is not a key here."
                                + " 'queue_depth' belongs in 'aio'.",
                        "/bf16/enabled (7:13): 'fp16.enabled' and 'bf16.enabled' are both true."
                                + " Turn one of them off; bf16 needs no loss scale.",
                        "/bf16/loss_scale (7:30): 'loss_scale' is not a key here. 'loss_scale'"
                                + " belongs in 'fp16'."),
                check.diagnostics().stream().map(Diagnostic::toString).toList());
        assertFalse(check.isOk());
        ConfigException failure = assertThrows(ConfigException.class, check::orThrow);
        assertEquals(6, failure.diagnostics().size());
        assertTrue(
                failure.getMessage()
                        .startsWith(
                                "The configuration has 6 mistakes:\n  /train_batch_size (2:23): "),
                failure.getMessage());
    }

    @Test
    void mistakesInAPluginsSettingsCarryTheirPlaceToo() {
        String text =
                """
                { "train_batch_size": 8,
                  "optimizer": { "type": "AdamW",
                    "params": { "lr": -1, "beta": [0.9, 0.999], "betas": [0.9, 1.5],
                                "max_grad_norm": 1 } } }
                """;
        ConfigCheck check =
                DsConfig.check(text, CheckOptions.none().plugins(Map.of("adamw", ADAM), Map.of()));
        assertEquals(
                List.of(
                        "/optimizer/params/lr (3:23): 'lr' must be a number, 0 or more, was -1.",
                        "/optimizer/params/beta (3:27): 'beta' is not a key here. Did you mean"
                                + " 'betas'?",
                        "/optimizer/params/betas/1 (3:64): 'betas' must be a list of 2 numbers,"
                                + " each 0 or more and below 1, was 1.5.",
                        "/optimizer/params/max_grad_norm (4:17): 'max_grad_norm' is not a key"
                                + " here. Write 'gradient_clipping' at the top level instead."),
                check.diagnostics().stream().map(Diagnostic::toString).toList());
    }

    @Test
    void whatAPluginDoesNotKnowIsNotSuggested() {
        List<KeyDeclaration> sgd = List.of(KeyDeclaration.number("lr", 1e-3));
        String text =
                """
                {"train_batch_size": 8, "optimizer": {"type": "SGD", "params":
                    {"beta": 0.9, "learning_rate": 1}}}
                """;
        ConfigCheck check =
                DsConfig.check(text, CheckOptions.none().plugins(Map.of("sgd", sgd), Map.of()));
        List<String> suggestions =
                check.diagnostics().stream().map(Diagnostic::suggestion).toList();
        assertFalse(suggestions.getFirst().contains("beta"), suggestions.toString());
        assertEquals("Write 'lr' in 'optimizer.params'.", suggestions.getLast());
    }

    @Test
    void aStrayKeyInAPluginsSettingsIsToldWhereItBelongs() {
        String text =
                """
                {"train_batch_size": 8, "optimizer": {"type": "AdamW", "params":
                    {"lerning_rate": 1, "gradient_clipping": 1, "loss_scale": 0, "warmup_num_steps": 3}}}
                """;
        ConfigCheck check =
                DsConfig.check(text, CheckOptions.none().plugins(Map.of("adamw", ADAM), Map.of()));
        assertEquals(
                List.of(
                        "Write 'lr' in 'optimizer.params'.",
                        "'gradient_clipping' belongs at the top level.",
                        "'loss_scale' belongs in 'fp16'.",
                        "Write it in 'scheduler.params'."),
                check.diagnostics().stream().map(Diagnostic::suggestion).toList());
    }

    @Test
    void anUnknownOptimizerIsNamedWithTheOnesThatExist() {
        ConfigCheck check =
                DsConfig.check(
                        "{train_batch_size: 8, optimizer: {type: 'adamx'}}",
                        CheckOptions.none()
                                .plugins(Map.of("adamw", ADAM, "sgd", List.of()), Map.of()));
        assertEquals(
                "/optimizer/type (1:41): No optimizer is named 'adamx'; this runtime has [adamw,"
                        + " sgd]. Did you mean 'adamw'?",
                check.diagnostics().getFirst().toString());
        assertTrue(check.isOk(), "the document itself is sound");
        assertFalse(check.isRunnable());
    }

    @Test
    void aRefusedSettingIsAnErrorOfRunningItHere() {
        ConfigCheck check =
                DsConfig.check(
                        "{train_batch_size: 8, jvm: {reduction: 'fast'}}", CheckOptions.none());
        assertTrue(check.isOk());
        assertFalse(check.isRunnable());
        assertEquals(Diagnostic.Phase.RUNTIME, check.diagnostics().getFirst().phase());
        assertThrows(ConfigException.class, check::orThrow);
    }

    @Test
    void aSettingWithoutEffectIsNamed() {
        ConfigCheck check =
                DsConfig.check(
                        "{train_batch_size: 8, memory_breakdown: true, dataloader_drop_last: false,"
                                + " optimizer: {type: 'adam'}}",
                        CheckOptions.none());
        assertTrue(check.isRunnable());
        assertEquals(1, check.diagnostics().size(), "a default is not worth a note");
        assertEquals("no-effect", check.diagnostics().getFirst().code());
        assertEquals(Diagnostic.Severity.NOTE, check.diagnostics().getFirst().severity());
    }

    @Test
    void unknownKeysAreWarningsWhereAsked() {
        String text = "{train_batch_size: 8, my_note: 1, jvm: {unknown_keys: 'warn'}}";
        ConfigCheck check = DsConfig.check(text, CheckOptions.none());
        assertTrue(check.isRunnable());
        assertEquals(Diagnostic.Severity.WARNING, check.diagnostics().getFirst().severity());
        assertFalse(DsConfig.check(text, CheckOptions.none().warnOnUnknownKeys(false)).isOk());
    }

    @Test
    void keysThatStartLikeCommentsAreComments() {
        String text =
                "{train_batch_size: 8, '_why': 'x', '// note': {a: 1}, fp16: {_x: 2},"
                        + " optimizer: {type: 'adam'}}";
        assertEquals(List.of(), DsConfig.check(text, CheckOptions.none()).diagnostics());
    }

    @Test
    void optionsThatMayBeAutoSaySo() throws Exception {
        for (String name : List.of("zero2.json", "zero3.json")) {
            DsConfig config = DsConfig.read(Fixtures.config().resolve("hf").resolve(name));
            assertEquals(3, config.batch().auto().size());
            assertTrue(config.gradientClipping().isAuto());
            assertTrue(config.fp16().enabled().isAuto());
            assertTrue(config.bf16().enabled().isAuto());
            assertEquals(OffloadDevice.CPU, config.zero().offloadOptimizer().device());
            Settings params = config.optimizer().orElseThrow().check(ADAM).settings();
            assertTrue(params.isAuto("lr"));
            assertEquals(1e-3, params.doubleOr("lr", 0), "the default until the planner decides");
            assertEquals(5e-4, params.with("lr", 5e-4).doubleOr("lr", 0));
            assertEquals(
                    new BatchSizes.Resolved(8, 2, 2, 2),
                    config.batch().withAuto(2, 2, 2).resolve(2));
        }
        DsConfig zero3 = DsConfig.read(Fixtures.config().resolve("hf").resolve("zero3.json"));
        assertEquals(3, zero3.zero().stage());
        assertTrue(zero3.zero().reduceBucketSize().isAuto());
        assertTrue(zero3.zero().prefetchBucketSize().isAuto());
        assertEquals(64L, zero3.zero().paramPersistenceThreshold().orPlanned(64L));
        assertEquals(OffloadDevice.CPU, zero3.zero().offloadParam().device());
    }

    @Test
    void aFileThatCannotBeReadIsOneClearMessage(@TempDir Path folder) throws Exception {
        Path absent = folder.resolve("ds_config.json");
        assertEquals("There is no file '%s'.".formatted(absent), onlyMessage(absent));
        assertEquals("'%s' is a directory, not a file.".formatted(folder), onlyMessage(folder));
        Path device = Path.of("/dev/null");
        assertEquals(
                "'%s' is a pipe or a device, not a file.".formatted(device), onlyMessage(device));
        Path latin = folder.resolve("latin.json");
        Files.write(latin, "{\"_\": \"é\"}".getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(
                "'%s' is not UTF-8 text: its line 1 has the byte 0xE9.".formatted(latin),
                onlyMessage(latin));
    }

    @Test
    void recordsRefuseWhatTheDocumentWould() {
        ConfigException failure =
                assertThrows(
                        ConfigException.class,
                        () ->
                                new OffloadOptimizer(
                                        OffloadDevice.NONE,
                                        java.util.Optional.empty(),
                                        -1,
                                        Tunable.given(true),
                                        Tunable.given(true),
                                        Tunable.given(true),
                                        false,
                                        1));
        assertEquals(
                "/zero_optimization/offload_optimizer/buffer_count must be 0 or more, was -1.",
                failure.getMessage());
    }

    private static String onlyMessage(Path file) {
        List<Diagnostic> found = DsConfig.check(file, CheckOptions.none()).diagnostics();
        assertEquals(1, found.size());
        return found.getFirst().message();
    }
}
