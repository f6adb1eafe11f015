package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Diagnostic;
import ds.core.KeyDeclaration;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a check found is shown to people with its source line, and to programs as JSON. */
class RenderingTest {
    @Test
    void peopleSeeTheSourceLineAndACaret() {
        ConfigCheck check =
                DsConfig.check(
                        "{\n  \"train_batch_size\": 8,\n  \"gradient_cliping\": 1\n}",
                        CheckOptions.none());
        assertEquals(
                """
                error: 'gradient_cliping' is not a key here. [unknown-key]
                  --> The configuration:3:3  /gradient_cliping
                 3 |   "gradient_cliping": 1
                   |   ^^^^^^^^^^^^^^^^^^
                   = Did you mean 'gradient_clipping'?

                """,
                check.render(false));
        assertTrue(check.render(true).contains("\u001b[1;31merror\u001b[0m"));
    }

    @Test
    void theCaretCountsColumnsOfATerminal() {
        assertEquals(
                """
                 1 | {"_注": "学習", "gradient_cliping": 1}
                   |                 ^^^^^^^^^^^^^^^^^^
                """,
                source("{\"_注\": \"学習\", \"gradient_cliping\": 1}"));
        assertEquals(
                """
                 1 | {"_e\u0301": "😀\ufe0f", "gradient_cliping": 1}
                   |              ^^^^^^^^^^^^^^^^^^
                """,
                source("{\"_e\u0301\": \"😀\ufe0f\", \"gradient_cliping\": 1}"));
        assertEquals(
                """
                 1 |     {    "gradient_cliping": 1}
                   |          ^^^^^^^^^^^^^^^^^^
                """,
                source("\t{\t\"gradient_cliping\": 1}"));
        assertEquals(
                """
                 1 | {"学習率": 1}
                   |  ^^^^^^^^
                """,
                source("{\"学習率\": 1}"));
        String shown = source("{\"_\": \"" + "学".repeat(200) + "\", \"gradient_cliping\": 1}");
        assertTrue(
                shown.startsWith(" 1 | ..." + "学".repeat(18) + "\", \"gradient_cliping\": 1}\n"),
                shown);
        assertTrue(shown.endsWith("| " + " ".repeat(42) + "^".repeat(18) + "\n"), shown);
    }

    /** Returns the source line and the caret of the mistake about an unknown key. */
    private static String source(String text) {
        ConfigCheck check = DsConfig.check(text, CheckOptions.none());
        Diagnostic unknown =
                check.diagnostics().stream()
                        .filter(d -> d.code().equals("unknown-key"))
                        .findFirst()
                        .orElseThrow();
        String shown = new DiagnosticRenderer("x", text, false).render(unknown);
        return shown.lines()
                .filter(line -> line.contains(" | "))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    @Test
    void programsGetOneJsonDocument() {
        ConfigCheck good =
                DsConfig.check("{train_batch_size: 8}", CheckOptions.none().worldSize(2));
        ConfigCheck bad = DsConfig.check("{x: 1}", CheckOptions.none());
        Map<String, Object> json =
                DocumentParser.parse(CheckReport.json(List.of(good, bad))).root();
        List<?> results = (List<?>) json.get("results");
        Map<?, ?> first = (Map<?, ?>) results.getFirst();
        assertEquals(true, first.get("ok"));
        assertEquals(true, first.get("runnable"));
        Map<?, ?> resolved = (Map<?, ?>) first.get("resolved");
        assertEquals(4, resolved.get("train_micro_batch_size_per_gpu"));
        assertTrue(resolved.containsKey("optimizer.type"));
        Map<?, ?> second = (Map<?, ?>) results.getLast();
        assertEquals(false, second.get("ok"));
        Map<?, ?> diagnostic = (Map<?, ?>) ((List<?>) second.get("diagnostics")).getLast();
        assertEquals("unknown-key", diagnostic.get("code"));
        assertEquals("/x", diagnostic.get("pointer"));
        assertEquals(2, diagnostic.get("column"));
    }

    @Test
    void aKeyIsExplainedByPointerPathOrName() {
        String expected =
                """
                zero_optimization.stage3_max_live_parameters
                  Most parameter elements gathered at the same time.
                  type     an integer, 0 or more
                  unit     elements
                  default  1000000000
                  also     max_live_parameters
                  status   implemented
                """;
        for (String asked :
                List.of(
                        "/zero_optimization/stage3_max_live_parameters",
                        "zero_optimization/stage3_max_live_parameters",
                        "/zero_optimization.stage3_max_live_parameters",
                        "/max_live_parameters",
                        "zero_optimization.max_live_parameters",
                        "max_live_parameters")) {
            assertEquals(expected, Explain.find(asked).getFirst().render(), asked);
        }
        assertTrue(Explain.find("enabled").size() > 5);
        assertEquals(
                KeyDeclaration.Status.REFUSED,
                Explain.find("zero_optimization.zenflow.topk_ratio").getFirst().status());
        assertEquals(
                KeyDeclaration.Status.NO_EFFECT,
                Explain.find("tensorboard.output_path").getFirst().status());
        assertEquals(List.of(), Explain.find("gradient_cliping"));
        assertEquals(List.of("gradient_clipping"), Explain.near("gradient_cliping"));
    }

    @Test
    void everyKeyHasASentence() {
        for (Explain.Explained explained : Explain.all()) {
            String doc = explained.key().doc();
            assertTrue(doc.endsWith(".") && doc.length() > 8, explained.path() + ": " + doc);
        }
    }

    @Test
    void theTemplateIsASoundConfigurationWithEveryKeyExplained() {
        String text = new ConfigTemplate(2, 4, 2, 3, Optional.of(Path.of("/mnt/nvme"))).render();
        ConfigCheck check = DsConfig.check(text, CheckOptions.none().worldSize(2));
        assertEquals(List.of(), check.diagnostics());
        DsConfig config = check.orThrow();
        assertEquals(new BatchSizes.Resolved(16, 4, 2, 2), config.batch().resolve(2));
        assertEquals(OffloadDevice.NVME, config.zero().offloadOptimizer().device());
        assertFalse(new ConfigTemplate(1, 8, 1, 0, Optional.empty()).render().contains("nvme"));
    }
}
