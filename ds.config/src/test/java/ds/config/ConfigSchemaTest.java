package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import ds.core.Diagnostic;
import ds.core.Diagnostic.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The schema says of one value at a time what the reader says, on every golden configuration. */
class ConfigSchemaTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonSchemaFactory FACTORY =
            JsonSchemaFactory.getInstance(VersionFlag.V202012);

    /** What is wrong with a key or a value, whatever else the document says. */
    private static final Set<String> LOCAL =
            Set.of("type", "range", "choice", "unknown-key", "unread-key", "missing");

    private static final String OUT_OF_USE = "a key that another key's value puts out of use";

    /** Of those, what is no matter of a schema: what only another key makes wrong, and bounds. */
    private static final Map<String, Predicate<Diagnostic>> NOT_OF_A_SCHEMA =
            Map.of(
                    OUT_OF_USE,
                    d -> d.code().equals("unread-key") && d.message().contains(": there is "),
                    "a key that is missing where another has some value",
                    d -> d.code().equals("missing") && d.message().contains(" where "),
                    "limits of a loss scale, where it is dynamic",
                    d ->
                            d.code().equals("range")
                                    && d.pointer()
                                            .matches("/fp16/(loss_scale_window|min_loss_scale)"),
                    "one of two versions of elasticity, where that is on",
                    d -> d.code().equals("range") && d.pointer().equals("/elasticity/version"),
                    "a number that no computer's number holds",
                    d -> d.message().matches(".*, was -?[0-9.]+E\\+[0-9]{3,}\\."));

    @Test
    void theSchemaIsOneOfThe2020Dialect() {
        JsonSchema dialect = FACTORY.getSchema(SchemaLocation.of(SchemaId.V202012));
        assertEquals(Set.of(), dialect.validate(document()));
    }

    @Test
    void itAcceptsWhatTheReaderAcceptsAndRefusesWhatItRefuses() throws Exception {
        JsonSchema schema = FACTORY.getSchema(document());
        List<String> different = new ArrayList<>();
        Map<String, Integer> counts = new TreeMap<>();
        for (CorpusCase golden : CorpusCase.all()) {
            if (golden.mapping().isEmpty()) {
                counts.merge("not JSON", 1, Integer::sum);
                continue;
            }
            Map<String, Object> mapping = golden.mapping().get();
            List<Diagnostic> errors =
                    DsConfig.check(mapping, golden.options()).diagnostics().stream()
                            .filter(d -> d.isError() && d.phase() == Phase.CONFIG)
                            .toList();
            boolean refused = errors.stream().anyMatch(ConfigSchemaTest::isLocal);
            Set<ValidationMessage> said = schema.validate(JSON.valueToTree(mapping));
            boolean unread =
                    errors.stream().anyMatch(NOT_OF_A_SCHEMA.getOrDefault(OUT_OF_USE, _ -> false));
            if (refused ? said.isEmpty() : !said.isEmpty() && !unread) {
                different.add(golden.name() + ": reader " + errors + ", schema " + said);
            }
            counts.merge(refused ? "refused" : "accepted", 1, Integer::sum);
        }
        assertEquals("", String.join("\n", different));
        assertTrue(counts.getOrDefault("accepted", 0) > 500, counts::toString);
        assertTrue(counts.getOrDefault("refused", 0) > 200, counts::toString);
    }

    private static boolean isLocal(Diagnostic error) {
        return LOCAL.contains(error.code())
                && NOT_OF_A_SCHEMA.values().stream().noneMatch(other -> other.test(error));
    }

    private static JsonNode document() {
        return JSON.valueToTree(ConfigSchema.document(CheckOptions.none()));
    }
}
