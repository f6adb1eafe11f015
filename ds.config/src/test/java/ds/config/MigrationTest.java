package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The modern form of a document changes its old keys and nothing else. */
class MigrationTest {
    private static Migration migrated(String text) {
        return DsConfig.check(text, CheckOptions.none().warnOnUnknownKeys(true))
                .config()
                .orElseThrow()
                .migrated();
    }

    private static String changes(Migration migration) {
        return migration.changes().stream()
                .map(change -> change.line() + " " + change.message())
                .collect(Collectors.joining("\n"));
    }

    @Test
    void oldKeysAreRewrittenWhereTheyStand() {
        Migration migration =
                migrated(
                        """
                        // trains on four cards
                        {
                          "train_batch_size": 16,   # samples
                          'bfloat16': {"enabled": true},
                          zero_optimization: {
                            "stage": 3,
                            /* the state does not fit */
                            "cpu_offload": true,
                            "cpu_offload_param": false,
                            "prefetch_bucket_size": 5e7,
                            "cpu_offload_use_pin_memory": true
                          },
                          "mine": 1
                        }
                        """);
        assertEquals(
                """
                // trains on four cards
                {
                  "train_batch_size": 16,   # samples
                  'bf16': {"enabled": true},
                  zero_optimization: {
                    "stage": 3,
                    /* the state does not fit */
                    "offload_optimizer": {"device": "cpu"},
                    "stage3_prefetch_bucket_size": 5e7
                  },
                  "mine": 1
                }
                """,
                migration.text());
        assertEquals(
                """
                4 'bfloat16' is now 'bf16'.
                8 'cpu_offload' is now 'offload_optimizer': {"device": "cpu"}.
                9 'cpu_offload_param' is gone: off is the default.
                10 'prefetch_bucket_size' is now 'stage3_prefetch_bucket_size'.
                11 'cpu_offload_use_pin_memory' is gone: nothing reads it.""",
                changes(migration));
    }

    @Test
    void aStageThatWasTrueTakesItsBucketWithIt() {
        Migration migration =
                migrated(
                        "{\"allgather_size\": 1000, \"train_batch_size\": 8,"
                                + " \"zero_optimization\": true}");
        assertEquals(
                "{\"train_batch_size\": 8,"
                        + " \"zero_optimization\": {\"stage\": 1, \"allgather_bucket_size\": 1000}}",
                migration.text());
        assertEquals(
                "{\"train_batch_size\": 8, \"zero_optimization\": {\"stage\": 0}}",
                migrated("{\"train_batch_size\": 8, \"zero_optimization\": false}").text());
        assertEquals(
                "{\"zero_optimization\": {\"stage\": 1, \"allgather_bucket_size\": 1000},"
                        + " \"train_batch_size\": 8}",
                migrated(
                                "{\"zero_optimization\": true, \"allgather_size\": 1000,"
                                        + " \"train_batch_size\": 8}")
                        .text());
    }

    @Test
    void aMemberThatGoesTakesItsCommaWithIt() {
        assertEquals(
                "{\"train_batch_size\": 8, \"zero_optimization\": { }}",
                migrated(
                                "{\"train_batch_size\": 8,"
                                        + " \"zero_optimization\": { \"cpu_offload\": false }}")
                        .text());
        assertEquals(
                "{\"train_batch_size\": 8, \"zero_optimization\": {\"stage\": 1}}",
                migrated(
                                "{\"train_batch_size\": 8, \"zero_optimization\": {\"stage\": 1,"
                                        + " \"cpu_offload\": false,"
                                        + " \"cpu_offload_use_pin_memory\": false}}")
                        .text());
    }

    @Test
    void ofTwoSpellingsTheOneThatIsNullGoes() {
        assertEquals(
                "{\"train_batch_size\": 8, \"bf16\": {\"enabled\": true}}",
                migrated(
                                "{\"train_batch_size\": 8, \"bf16\": null,"
                                        + " \"bfloat16\": {\"enabled\": true}}")
                        .text());
    }

    @Test
    void aModernDocumentStaysAsItIs() {
        String text = "{ \"train_batch_size\": 8, } // fine";
        assertEquals(new Migration(text, List.of()), migrated(text));
    }

    @Test
    void aMapComesBackInItsCanonicalForm() {
        Migration migration =
                DsConfig.of(
                                Map.of(
                                        "train_batch_size",
                                        8,
                                        "zero_optimization",
                                        Map.of("stage", 1, "cpu_offload", true)))
                        .migrated();
        assertEquals(
                """
                {
                  "train_batch_size": 8,
                  "zero_optimization": {
                    "stage": 1,
                    "offload_optimizer": {
                      "device": "cpu"
                    }
                  }
                }""",
                migration.text());
    }
}
