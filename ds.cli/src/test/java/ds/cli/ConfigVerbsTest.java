package ds.cli;

import static ds.cli.Ran.ds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ds config show}, {@code diff} and {@code migrate} on files. */
class ConfigVerbsTest {
    @TempDir private Path temporary;

    private Path old;
    private Path modern;

    @BeforeEach
    void write() throws IOException {
        old =
                Files.writeString(
                        temporary.resolve("old.json"),
                        """
                        {
                          // as it was in 2021
                          "train_batch_size": 16,
                          "bfloat16": {"enabled": true},
                          "optimizer": {"type": "AdamW", "params": {"lr": 1e-3}},
                          "zero_optimization": {"stage": 2, "cpu_offload": true}
                        }
                        """);
        modern =
                Files.writeString(
                        temporary.resolve("modern.json"),
                        """
                        {"zero_optimization": {"offload_optimizer": {"device": "cpu"}, "stage": 2},
                         "optimizer": {"type": "AdamW", "params": {"lr": 0.001, "eps": 1e-8}},
                         "bf16": {"enabled": true},
                         "train_batch_size": 16}
                        """);
    }

    @Test
    void showPutsEachValueBesideItsOrigin() {
        Ran shown = ds("config", "show", old, "--world-size", 2);
        assertEquals(0, shown.status(), shown.messages());
        assertEquals(
                """
                train_batch_size                            16       line 3
                train_micro_batch_size_per_gpu              8        derived from 16 (train) / 1 (accumulation) / 2 (ranks)
                optimizer.type                              "adamw"  line 5
                optimizer.params.lr                         0.001    line 5
                bf16.enabled                                true     line 4, as bfloat16.enabled
                zero_optimization.stage                     2        line 6
                zero_optimization.offload_optimizer.device  "cpu"    line 6, from the old zero_optimization.cpu_offload
                """,
                shown.results());
        assertTrue(shown.messages().endsWith(" values are defaults; --all shows them.\n"));
        Ran all = ds("config", "show", old, "--all");
        assertTrue(all.results().contains("optimizer.params.betas "), all.results());
        assertTrue(all.results().lines().count() > 100, all.results());
    }

    @Test
    void showAsJsonHasTheSameValues() {
        Ran shown = ds("config", "show", old, "--format", "json");
        assertEquals(0, shown.status(), shown.messages());
        assertTrue(
                shown.results()
                        .contains(
                                """
                                    {
                                      "path": "bf16.enabled",
                                      "value": true,
                                      "origin": "alias",
                                      "from": "bfloat16.enabled",
                                      "line": 4,
                                      "column": 16
                                    }\
                                """),
                shown.results());
    }

    @Test
    void diffComparesMeanings() throws IOException {
        Ran same = ds("config", "diff", old, modern, "--exit-code");
        assertEquals(0, same.status(), same.messages());
        assertEquals("%s and %s mean the same.%n".formatted(old, modern), same.results());
        Path other =
                Files.writeString(
                        temporary.resolve("other.json"),
                        Files.readString(modern).replace("\"stage\": 2", "\"stage\": 1"));
        Ran differ = ds("config", "diff", old, other);
        assertEquals(0, differ.status(), differ.messages());
        assertEquals(
                """
                --- %s
                +++ %s
                zero_optimization.stage
                  - 2  (line 6)
                  + 1  (line 1)
                """
                        .formatted(old, other),
                differ.results());
        assertEquals(1, ds("config", "diff", old, other, "--exit-code").status());
        Ran json = ds("config", "diff", old, other, "--format", "json");
        assertTrue(json.results().contains("\"same\": false"), json.results());
        assertTrue(json.results().contains("\"path\": \"zero_optimization.stage\""));
    }

    @Test
    void migrateKeepsTheTextAndNamesItsChanges() throws IOException {
        Ran migrated = ds("config", "migrate", old);
        assertEquals(0, migrated.status(), migrated.messages());
        assertEquals(
                Files.readString(old)
                        .replace("bfloat16", "bf16")
                        .replace(
                                "\"cpu_offload\": true",
                                "\"offload_optimizer\": {\"device\": \"cpu\"}"),
                migrated.results());
        assertEquals(
                """
                %1$s:4: 'bfloat16' is now 'bf16'.
                %1$s:6: 'cpu_offload' is now 'offload_optimizer': {"device": "cpu"}.
                """
                        .formatted(old),
                migrated.messages());
        assertEquals(
                "%s has no old keys; it is unchanged.%n".formatted(modern),
                ds("config", "migrate", modern).messages());
    }

    @Test
    void aBrokenConfigurationIsAMistake() throws IOException {
        Path broken = Files.writeString(temporary.resolve("broken.json"), "{\"stage\": 3}");
        for (String verb : new String[] {"show", "migrate"}) {
            Ran ran = ds("config", verb, broken);
            assertEquals(2, ran.status());
            assertEquals("", ran.results());
            assertTrue(ran.messages().contains("'stage' is not a key here."), ran.messages());
            assertTrue(ran.messages().endsWith("broken.json has mistakes.\n"), ran.messages());
        }
        assertEquals(2, ds("config", "diff", modern, broken).status());
        assertEquals(2, ds("config", "diff", modern).status());
    }

    @Test
    void checkAsJsonHasTheFieldsThatScriptsDependOn() throws IOException {
        Path broken = Files.writeString(temporary.resolve("broken.json"), "{\"stage\": 3}");
        Ran ran = ds("config", "check", broken, "--format", "json");
        assertEquals(2, ran.status());
        assertEquals(
                List.of(
                        "results",
                        "file",
                        "ok",
                        "runnable",
                        "resolved",
                        "diagnostics",
                        "severity",
                        "phase",
                        "code",
                        "pointer",
                        "line",
                        "column",
                        "message",
                        "suggestion",
                        "related"),
                Pattern.compile("\"(\\w+)\":")
                        .matcher(ran.results())
                        .results()
                        .map(match -> match.group(1))
                        .distinct()
                        .toList());
    }
}
