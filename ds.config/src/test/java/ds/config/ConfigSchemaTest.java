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
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The schema says of one value at a time what the reader says, on every golden configuration. */
class ConfigSchemaTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonSchemaFactory FACTORY =
            JsonSchemaFactory.getInstance(VersionFlag.V202012);

    private static final long SEED = 20_262;
    private static final int MUTANTS = 4_000;
    private static final String BOUNDLESS = "E+999999999"; // no validator should be asked

    /** What is wrong with a key or a value, whatever else the document says. */
    private static final Set<String> LOCAL =
            Set.of("type", "range", "choice", "unknown-key", "unread-key", "missing");

    private static final String OUT_OF_USE = "a key that another key's value puts out of use";

    /** Of those, what is no matter of a schema: what only another key makes wrong, and bounds. */
    private static final Map<String, Predicate<Diagnostic>> NOT_OF_A_SCHEMA =
            Map.of(
                    OUT_OF_USE,
                    d ->
                            d.code().equals("unread-key")
                                    && d.message()
                                            .matches(".* by nobody( where| without|: there is) .*"),
                    "a key that is missing where another has some value",
                    d -> d.code().equals("missing") && d.message().contains(" where "),
                    "limits of a loss scale, where it is dynamic",
                    d ->
                            d.code().equals("range")
                                    && d.pointer()
                                            .matches("/fp16/(loss_scale_window|min_loss_scale)"),
                    "one of two versions of elasticity, where that is on",
                    d -> d.code().equals("range") && d.pointer().equals("/elasticity/version"),
                    "the range of a number in quotes",
                    d -> d.code().equals("range") && d.message().contains(", was \""),
                    "a number that 64 bits do not hold",
                    d -> d.message().contains(" beyond what a 64-bit number holds"));

    /** A document with one of these is wrong, but what is in its place was not looked at. */
    private static final Set<String> NOT_LOOKED_AT = Set.of("conflict", "limit");

    @Test
    void theSchemaIsOneOfThe2020Dialect() {
        JsonSchema dialect = FACTORY.getSchema(SchemaLocation.of(SchemaId.V202012));
        assertEquals(Set.of(), dialect.validate(document()));
    }

    @Test
    void itAcceptsWhatTheReaderAcceptsAndRefusesWhatItRefuses() throws IOException {
        JsonSchema schema = FACTORY.getSchema(document());
        List<String> different = new ArrayList<>();
        Map<Verdict, Integer> counts = new EnumMap<>(Verdict.class);
        for (CorpusCase golden : CorpusCase.all()) {
            if (golden.mapping().isPresent()) {
                Map<String, Object> mapping = golden.mapping().get();
                counts.merge(
                        compare(schema, mapping, golden.options(), golden.name(), different),
                        1,
                        Integer::sum);
            }
        }
        assertEquals("", String.join("\n", different));
        assertTrue(counts.getOrDefault(Verdict.ACCEPTED, 0) > 500, counts::toString);
        assertTrue(counts.getOrDefault(Verdict.REFUSED, 0) > 200, counts::toString);
    }

    @Test
    void itJudgesMutatedConfigurationsAsTheReaderDoes() throws IOException {
        JsonSchema schema = FACTORY.getSchema(document());
        List<Map<String, Object>> sources =
                CorpusCase.all().stream().flatMap(golden -> golden.mapping().stream()).toList();
        Random random = new Random(SEED);
        Mutant mutant = new Mutant(random);
        List<String> different = new ArrayList<>();
        Map<Verdict, Integer> counts = new EnumMap<>(Verdict.class);
        for (int round = 0; round < MUTANTS; round++) {
            Map<String, Object> tree = mutant.ofTree(sources.get(random.nextInt(sources.size())));
            if (!tree.toString().contains(BOUNDLESS)) {
                counts.merge(
                        compare(schema, tree, CheckOptions.none(), tree.toString(), different),
                        1,
                        Integer::sum);
            }
        }
        assertEquals("", String.join("\n", different), () -> "seed " + SEED);
        assertTrue(counts.getOrDefault(Verdict.ACCEPTED, 0) > MUTANTS / 10, counts::toString);
        assertTrue(counts.getOrDefault(Verdict.REFUSED, 0) > MUTANTS / 10, counts::toString);
    }

    /** What the reader says of a document, as far as a schema could know. */
    private enum Verdict {
        ACCEPTED,
        REFUSED
    }

    private static Verdict compare(
            JsonSchema schema,
            Map<String, Object> mapping,
            CheckOptions options,
            String name,
            List<String> different) {
        List<Diagnostic> errors =
                DsConfig.check(mapping, options).diagnostics().stream()
                        .filter(d -> d.isError() && d.phase() == Phase.CONFIG)
                        .toList();
        boolean refused = errors.stream().anyMatch(ConfigSchemaTest::isLocal);
        boolean unread =
                errors.stream().anyMatch(NOT_OF_A_SCHEMA.getOrDefault(OUT_OF_USE, _ -> false))
                        || errors.stream().anyMatch(d -> NOT_LOOKED_AT.contains(d.code()));
        Set<ValidationMessage> said = schema.validate(JSON.valueToTree(mapping));
        if (refused ? said.isEmpty() : !said.isEmpty() && !unread) {
            different.add(name + ": reader " + errors + ", schema " + said);
        }
        return refused ? Verdict.REFUSED : Verdict.ACCEPTED;
    }

    private static boolean isLocal(Diagnostic error) {
        return LOCAL.contains(error.code())
                && NOT_OF_A_SCHEMA.values().stream().noneMatch(other -> other.test(error));
    }

    private static JsonNode document() {
        return JSON.valueToTree(ConfigSchema.document(CheckOptions.none()));
    }
}
