package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The chosen batches are those that DeepSpeed chose. */
class ElasticityTest {
    @Test
    void batchesAndRanksAreThoseRecorded() throws IOException {
        Map<String, Object> golden =
                DocumentParser.parse(
                                Files.readString(
                                        Fixtures.config().resolveSibling("golden/elasticity.json")))
                        .root();
        int compared = 0;
        for (Object item : (List<?>) golden.get("cases")) {
            Map<?, ?> recorded = (Map<?, ?>) item;
            if (recorded.containsKey("error")) {
                assertFalse(accepted(recorded), String.valueOf(recorded));
                continue;
            }
            Elasticity rule = rule((Map<?, ?>) recorded.get("config"));
            int world = recorded.get("world_size") instanceof Number n ? n.intValue() : 1;
            Elasticity.Choice choice = rule.choose(world);
            String where = String.valueOf(recorded);
            assertEquals(((Number) recorded.get("batch")).longValue(), choice.batch(), where);
            assertEquals(longs(recorded.get("valid_gpus")), choice.validRanks(), where);
            if (recorded.get("micro_batch") instanceof Number micro) {
                Optional<BatchSizes.Resolved> resolved = rule.resolve(world);
                assertEquals(micro.longValue(), resolved.orElseThrow().micro(), where);
            }
            compared++;
        }
        assertTrue(compared > 100, "only " + compared + " cases");
    }

    private static boolean accepted(Map<?, ?> recorded) {
        int world = recorded.get("world_size") instanceof Number n ? n.intValue() : 1;
        Map<String, Object> document = new HashMap<>();
        document.put("elasticity", recorded.get("config"));
        return DsConfig.check(document, CheckOptions.none().worldSize(world)).isOk();
    }

    private static Elasticity rule(Map<?, ?> config) {
        return new Elasticity(
                number(config, "max_train_batch_size", 0),
                longs(config.get("micro_batch_sizes")),
                number(config, "min_gpus", 1),
                number(config, "max_gpus", 10_000),
                !Boolean.FALSE.equals(config.get("prefer_larger_batch")),
                !(config.get("version") instanceof Number n && n.doubleValue() == 0.1),
                number(config, "num_gpus_per_node", 1),
                number(config, "model_parallel_size", 1));
    }

    private static long number(Map<?, ?> config, String key, long usual) {
        return config.get(key) instanceof Number n ? n.longValue() : usual;
    }

    private static List<Long> longs(Object list) {
        return (list instanceof List<?> given ? given : List.of())
                .stream().map(n -> ((Number) n).longValue()).toList();
    }
}
