package ds.cli;

import static ds.cli.Ran.ds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With {@code --format json}, what stops a command is one document too, that of {@code config check}. */
class FailureDocumentTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path temporary;

    private Path broken;
    private Path text;

    @BeforeEach
    void write() throws IOException {
        broken =
                Files.writeString(
                        temporary.resolve("broken.json"),
                        "{\"train_batch_size\": 8,\n \"stage\": 3, \"gradient_cliping\": 1}");
        text = Files.writeString(temporary.resolve("text.txt"), "to be or not ".repeat(60));
    }

    private static String document(int status, Object... words) {
        List<Object> all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--format", "json"));
        Ran ran = ds(all.toArray());
        assertEquals(status, ran.status(), ran.messages());
        assertEquals(status, ds(words).status());
        return ran.results();
    }

    private JsonNode run(int status, String config, Object... more) throws IOException {
        Path file = Files.writeString(temporary.resolve("run.json"), config);
        List<Object> words = new ArrayList<>(List.of(more));
        words.addAll(List.of("--config", file, "--data", text, "--eval-split", 0));
        words.addAll(List.of("--model", "gpt:layers=1,width=16,heads=2,context=16"));
        return JSON.readTree(document(status, words.toArray())).get("results").get(0);
    }

    private static JsonNode only(JsonNode result) {
        assertEquals(1, result.get("diagnostics").size(), result.toString());
        return result.get("diagnostics").get(0);
    }

    @Test
    void mistakesOfAConfigurationAreTheDocumentOfTheCheck() {
        String check = document(2, "config", "check", broken);
        assertTrue(check.contains("\"pointer\": \"/gradient_cliping\""), check);
        assertEquals(check, document(2, "config", "show", broken));
        assertEquals(check, document(2, "config", "migrate", broken));
        assertEquals(check, document(2, "plan", "--config", broken));
        assertEquals(check, document(2, "train", "--config", broken));
    }

    @Test
    void diffHasTheMistakesOfBothFiles() throws IOException {
        Path sound = Files.writeString(temporary.resolve("ok.json"), "{\"train_batch_size\": 8}");
        assertEquals(
                document(2, "config", "check", sound, broken),
                document(2, "config", "diff", sound, broken));
        Path other = Files.writeString(temporary.resolve("other.json"), "{\"stage\": 3}");
        assertEquals(
                document(2, "config", "check", broken, other),
                document(2, "config", "diff", broken, other));
        assertTrue(
                ds("config", "diff", broken, other)
                        .messages()
                        .endsWith("%s and %s have mistakes.%n".formatted(broken, other)));
    }

    @Test
    void whatOnlyPlanningFindsStandsWithTheRestOfTheCheck() throws IOException {
        JsonNode result = run(2, "{\"train_batch_size\": 8}", "plan");
        assertEquals(temporary.resolve("run.json").toString(), result.get("file").asText());
        assertTrue(result.get("ok").asBoolean());
        assertFalse(result.get("runnable").asBoolean());
        assertEquals(8, result.get("resolved").get("train_batch_size").asInt());
        assertTrue(result.get("diagnostics").toString().contains("names no optimizer"));
    }

    @Test
    void aTrainingThatAnErrorStopsSaysWhich() throws IOException {
        String adam = "\"optimizer\": {\"type\": \"AdamW\", \"params\": {\"lr\": 1e30}}";
        JsonNode lost = run(1, "{\"train_batch_size\": 8, " + adam + "}", "train", "--steps", "4");
        assertEquals("ds train", lost.get("file").asText());
        assertEquals("stopped", only(lost).get("code").asText());
        assertEquals("runtime", only(lost).get("phase").asText());
        assertTrue(only(lost).get("message").asText().startsWith("The loss of the last step"));
        JsonNode absent =
                JSON.readTree(document(2, "train", "--data", temporary.resolve("absent.txt")))
                        .get("results")
                        .get(0);
        assertEquals("config", only(absent).get("phase").asText());
    }

    @Test
    void aWrongCommandLineIsADocumentToo() throws IOException {
        for (Object[] words :
                new Object[][] {
                    {"trian"},
                    {"config", "chekc"},
                    {"train", "--stpes", "4"},
                    {"train", "--steps", "many"},
                    {"train", "one", "word"},
                    {"config", "check"}
                }) {
            JsonNode result = JSON.readTree(document(2, words)).get("results").get(0);
            assertFalse(result.get("ok").asBoolean());
            assertEquals("stopped", only(result).get("code").asText());
        }
        assertEquals(
                "there is no option '--stpes'. Did you mean '--steps'?; 'ds train --help' lists them.",
                only(JSON.readTree(document(2, "train", "--stpes", "4")).get("results").get(0))
                        .get("message")
                        .asText());
    }

    @Test
    void whatCheckAndPlanBothSayIsSaidOnceWithItsPlace() throws IOException {
        JsonNode found = only(run(2, "{\n \"train_batch_size\": 8}", "plan"));
        assertEquals("no-optimizer", found.get("code").asText());
        assertEquals("error", found.get("severity").asText());
        assertEquals(1, found.get("line").asInt());
    }
}
