package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The canonical JSON of a configuration is that configuration; the modern form means the same. */
class RoundTripTest {
    private static final CheckOptions LAX = CheckOptions.none().warnOnUnknownKeys(true);

    /** Returns every golden configuration that we accept, unknown keys or not, by name. */
    private static Map<String, DsConfig> accepted() throws IOException {
        Map<String, DsConfig> accepted = new TreeMap<>();
        for (CorpusCase golden : CorpusCase.in(Fixtures.config().resolve("corpus"))) {
            golden.check(true).config().ifPresent(config -> accepted.put(golden.name(), config));
        }
        assertTrue(accepted.size() > 700, () -> accepted.size() + " cases are accepted");
        return accepted;
    }

    private static DsConfig again(String json) {
        return DsConfig.check(json, LAX).config().orElseThrow();
    }

    @Test
    void everyAcceptedCaseReadsBackEqual() throws IOException {
        List<String> wrong = new ArrayList<>();
        accepted()
                .forEach(
                        (name, config) -> {
                            String json = config.toJson();
                            ConfigCheck check = DsConfig.check(json, CheckOptions.none());
                            if (check.config().isEmpty()) {
                                wrong.add(name + ": " + check.diagnostics() + json);
                                return;
                            }
                            DsConfig again = check.config().get();
                            Map<String, Object> before = config.resolved(OptionalInt.empty());
                            Map<String, Object> after = again.resolved(OptionalInt.empty());
                            if (!Meaning.same(before, after)) {
                                wrong.add(name + ": " + before + " != " + after);
                            }
                            if (!json.equals(again.toJson())) {
                                wrong.add(name + ": " + json + " != " + again.toJson());
                            }
                            if (!written(config).equals(written(again))) {
                                wrong.add(name + ": " + written(config) + written(again));
                            }
                        });
        assertEquals(List.of(), wrong);
    }

    /** Returns the paths that a document wrote itself, under whatever spelling. */
    private static List<String> written(DsConfig config) {
        return config.values(CheckOptions.none()).stream()
                .filter(value -> !value.isDefault())
                .filter(value -> value.origin() != ResolvedValue.Origin.DERIVED)
                .map(value -> value.path() + (value.origin() == ResolvedValue.Origin.AUTO))
                .sorted()
                .toList();
    }

    @Test
    void everyAcceptedCaseMeansTheSameInItsModernForm() throws IOException {
        List<String> wrong = new ArrayList<>();
        accepted()
                .forEach(
                        (name, config) -> {
                            Migration migration = config.migrated();
                            ConfigCheck check = DsConfig.check(migration.text(), LAX);
                            if (check.config().isEmpty()) {
                                wrong.add(name + ": " + check.diagnostics() + migration.text());
                                return;
                            }
                            DsConfig modern = check.config().get();
                            var differences = ConfigDiff.of(config, modern, CheckOptions.none());
                            if (!differences.isEmpty()) {
                                wrong.add(name + ": " + differences);
                            }
                            if (modern.values(LAX).stream().anyMatch(RoundTripTest::isOld)) {
                                wrong.add(name + " is still old: " + migration.text());
                            }
                        });
        assertEquals(List.of(), wrong);
    }

    private static boolean isOld(ResolvedValue value) {
        return value.origin() == ResolvedValue.Origin.OLD
                || value.origin() == ResolvedValue.Origin.ALIAS;
    }

    @Test
    void numbersKeepTheirExactValue() {
        String json =
                again(
                                """
                                {"zero_optimization": {
                                   "max_live_parameters": 123456789012345678901234567890,
                                   "sub_group_size": 1e10},
                                 "optimizer": {"type": "AdamW", "params": {
                                   "lr": 1e-5, "eps": 1E-8, "big": 1e10, "third": 0.333333333333333333333333,
                                   "whole": 10.0, "long": 98765432109876543210}},
                                 "train_batch_size": "8",
                                 "gradient_clipping": 0.50}
                                """
                                        .replace("\"8\"", "8"))
                        .toJson();
        assertEquals(
                """
                {
                  "train_batch_size": 8,
                  "optimizer": {
                    "type": "AdamW",
                    "params": {
                      "big": 10000000000.0,
                      "eps": 1e-8,
                      "long": 98765432109876543210,
                      "lr": 1e-5,
                      "third": 0.333333333333333333333333,
                      "whole": 10.0
                    }
                  },
                  "gradient_clipping": 0.5,
                  "zero_optimization": {
                    "sub_group_size": 10000000000,
                    "stage3_max_live_parameters": 123456789012345678901234567890
                  }
                }""",
                json);
    }

    @Test
    void documentsOfOneMeaningHaveOneForm() {
        String one =
                """
                // bf16, as it used to be written
                {"bfloat16": {"enabled": "true"}, "_note": 1,
                 "zero_optimization": {"stage": 3, "cpu_offload": true, "prefetch_bucket_size": 5e7},
                 "train_batch_size": 16}""";
        String other =
                """
                {"train_batch_size": 16.0, "bf16": {"enabled": true},
                 "zero_optimization": {"offload_optimizer": {"device": "cpu"},
                   "stage3_prefetch_bucket_size": 50000000, "stage": 3}}""";
        assertEquals(again(one).toJson(), again(other).toJson());
        assertEquals(List.of(), ConfigDiff.of(again(one), again(other), LAX));
    }
}
