package ds.cli;

import static ds.cli.Ran.ds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import ds.config.CheckOptions;
import ds.config.DsConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code ds config schema} and {@code explain} know the plug-ins of this installation. */
class ConfigCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonSchemaFactory FACTORY =
            JsonSchemaFactory.getInstance(VersionFlag.V202012);

    @TempDir private Path temporary;

    private static JsonNode printed(Object... options) throws IOException {
        Ran ran = ds(options);
        assertEquals(0, ran.status(), ran.messages());
        return JSON.readTree(ran.results());
    }

    @Test
    void theSchemaThatIsPrintedIsOneOfThe2020Dialect() throws IOException {
        JsonSchema dialect = FACTORY.getSchema(SchemaLocation.of(SchemaId.V202012));
        assertEquals(Set.of(), dialect.validate(printed("config", "schema")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'optimizer': {'type': 'AdamW', 'params': {'lr': 0.001, 'betas': [0.9, 0.99]}}}",
                "{'optimizer': {'type': 'AdamW', 'params': {'learning_rate': 0.001}}}",
                "{'optimizer': {'type': 'adamw', 'params': {'lr': -1}}}",
                "{'optimizer': {'type': 'ADAMW', 'params': {'lr': 'auto', '_why': 'x'}}}",
                "{'optimizer': {'type': 'AdamW', 'params': 'auto'}}",
                "{'optimizer': {'type': 'AdamW', 'params': null}}",
                "{'optimizer': {'type': 'Sgd', 'params': {'betas': [0.9, 0.99]}}}",
                "{'optimizer': {'type': 'SomebodysOwn', 'params': {'anything': 1}}}",
                "{'scheduler': {'type': 'WarmupLR', 'params': {'total_num_steps': 9}}}",
                "{'scheduler': {'type': 'WarmupDecayLR', 'params': {'total_num_steps': 9}}}",
                "{'scheduler': {'type': 'WarmupDecayLR', 'params': {}}}",
                "{'scheduler': {'type': 'WarmupDecayLR'}}",
                "{'scheduler': {'type': 'warmuplr', 'params': {'total_num_steps': 9}}}",
            })
    void settingsOfPluginsAreJudgedAsTheReaderJudgesThem(String quoted) throws IOException {
        String text = quoted.replace('\'', '"').replaceFirst("\\{", "{\"train_batch_size\": 8, ");
        boolean read = DsConfig.check(text, Setup.plugins(CheckOptions.none())).isOk();
        JsonSchema schema = FACTORY.getSchema(printed("config", "schema"));
        assertEquals(read, schema.validate(JSON.readTree(text)).isEmpty());
    }

    @Test
    void unknownKeysAreAllowedIfAskedFor() throws IOException {
        JsonNode mistake = JSON.readTree("{\"train_batch_size\": 8, \"train_bach_size\": 8}");
        JsonNode lax = printed("config", "schema", "--unknown-keys", "warn");
        assertTrue(FACTORY.getSchema(lax).validate(mistake).isEmpty());
        JsonNode strict = printed("config", "schema");
        assertFalse(FACTORY.getSchema(strict).validate(mistake).isEmpty());
    }

    @ParameterizedTest
    @CsvSource({
        "optimizer.params.lr, optimizer.params.lr",
        "/optimizer/params/lr, optimizer.params.lr",
        "lr, optimizer.params.lr",
        "scheduler.params.warmup_num_steps, scheduler.params.warmup_num_steps",
        "warmup_num_steps, scheduler.params.warmup_num_steps",
        "prefetch_bucket_size, zero_optimization.stage3_prefetch_bucket_size",
        "zero_optimization.prefetch_bucket_size, zero_optimization.stage3_prefetch_bucket_size",
        "bfloat16, bf16",
        "bfloat16.enabled, bf16.enabled",
        "/bfloat16/enabled, bf16.enabled",
        "cpu_offload, zero_optimization.cpu_offload",
        "jvm.threads, jvm.workers",
        "compression_training.row_pruning.different_groups.first.params.dense_ratio,"
                + " compression_training.row_pruning.different_groups.params.dense_ratio",
    })
    void aKeyIsFoundUnderEveryName(String asked, String path) throws IOException {
        JsonNode results = printed("config", "explain", asked, "--format", "json").get("results");
        assertEquals(path, results.get(0).get("key").asText());
    }

    @Test
    void aSettingOfPluginsSaysWhichHaveIt() throws IOException {
        JsonNode results = printed("config", "explain", "lr", "--format", "json").get("results");
        assertTrue(
                results.findValues("of").stream()
                        .anyMatch(of -> of.toString().contains("\"adamw\"")),
                results.toString());
        String text = ds("config", "explain", "optimizer.params.betas").results();
        assertTrue(text.contains("  of       adam, adamw"), text);
    }

    @Test
    void theStatusIsThatOfTheSection() throws IOException {
        JsonNode result =
                printed("config", "explain", "tensorboard.job_name", "--format", "json")
                        .get("results")
                        .get(0);
        assertEquals("no_effect", result.get("status").asText());
        assertTrue(result.get("reason").asText().contains("--metrics"), result.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "gradient_cliping, gradient_clipping",
        "zero_optimisation.stag, zero_optimization.stage",
        "optimizer.params.beta, optimizer.params.betas",
        "aio.thread_count, aio.intra_op_parallelism",
        "learning_rate, optimizer.params.lr",
        "zero_optimization.enable, zero_optimization.enable_sanity_checks",
    })
    void whatIsNotAKeyIsAMistakeWithNearOnes(String asked, String near) throws IOException {
        Ran ran = ds("config", "explain", asked, "--format", "json");
        assertEquals(2, ran.status());
        assertTrue(ran.messages().startsWith("ds: There is no key '" + asked + "'"));
        JsonNode document = JSON.readTree(ran.results());
        assertEquals(0, document.get("results").size());
        assertEquals(near, document.get("near").get(0).asText(), document.toString());
        assertEquals("", ds("config", "explain", asked).results());
    }

    @Test
    void explainListsWhatATypeMayBe() throws IOException {
        JsonNode names = printed("config", "explain", "scheduler.type", "--format", "json");
        assertEquals(
                "[\"LRRangeTest\",\"OneCycle\",\"WarmupCosineLR\",\"WarmupDecayLR\",\"WarmupLR\"]",
                names.get("results")
                        .get(0)
                        .get("names")
                        .findValues("name")
                        .toString()
                        .replace(" ", ""));
        String text = ds("config", "explain", "optimizer.type").results();
        assertTrue(text.contains("names    adagrad of "), text);
        assertTrue(text.indexOf("muadamw of") < text.indexOf("muon of"), text);
        assertTrue(text.indexOf("muon of") < text.indexOf("zerooneadam of"), text);
    }

    @Test
    void theCheckAsksTheProviderWhetherItsSettingsGoTogether() throws IOException {
        Path file =
                Files.writeString(
                        temporary.resolve("contradiction.json"),
                        """
                        {
                          "train_batch_size": 8,
                          "optimizer": {"type": "SGD", "params": {"nesterov": true}}
                        }
                        """);
        Ran ran = ds("config", "check", file, "--format", "json");
        assertEquals(2, ran.status());
        JsonNode result = JSON.readTree(ran.results()).get("results").get(0);
        assertTrue(result.get("ok").asBoolean());
        assertFalse(result.get("runnable").asBoolean());
        JsonNode found = result.get("diagnostics").get(0);
        assertEquals("/optimizer/params", found.get("pointer").asText());
        assertEquals(3, found.get("line").asInt());
        String message = found.get("message").asText();
        assertTrue(message.startsWith("The optimizer 'sgd' of "), message);
        assertTrue(
                message.endsWith(
                        " refuses this: SGD with nesterov needs a momentum above 0 and a dampening of 0, was given 0.0 and 0.0."),
                message);
    }

    @Test
    void theCheckAsksNobodyAboutWhatOnlyARunKnows() throws IOException {
        Path file =
                Files.writeString(
                        temporary.resolve("auto.json"),
                        """
                        {
                          "train_batch_size": 8,
                          "optimizer": {"type": "AdamW", "params": {"lr": "auto"}},
                          "scheduler": {"type": "WarmupDecayLR", "params": {"total_num_steps": "auto"}}
                        }
                        """);
        Ran ran = ds("config", "check", file);
        assertEquals(0, ran.status(), ran.results());
    }
}
