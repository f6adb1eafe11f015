package ds.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.Diagnostic;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.DoubleAdder;
import org.junit.jupiter.api.Test;

/** A map made in code is read like a document, whatever it holds, and stays as it was. */
class MapReaderTest {
    @Test
    void whatHasAJsonMeaningIsRead() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("train_batch_size", new AtomicLong(8));
        map.put("gradient_clipping", new BigDecimal("0.5"));
        map.put("steps_per_print", (short) 3);
        map.put("_comment", new StringBuilder("any text"));
        map.put(
                "optimizer",
                Map.of("type", "AdamW", "params", Map.of("betas", new double[] {0.9, 0.95})));
        map.put(
                "zero_optimization",
                Map.of(
                        "stage",
                        3,
                        "offload_optimizer",
                        Map.of("device", "nvme", "nvme_path", Path.of("/mnt/fast"))));
        String before = map.toString();
        ConfigCheck check = DsConfig.check(map, CheckOptions.none());
        assertEquals(List.of(), check.diagnostics());
        assertEquals(8L, check.resolved().get("train_batch_size"));
        assertEquals(List.of(0.9, 0.95), check.resolved().get("optimizer.params.betas"));
        assertEquals(
                "/mnt/fast", check.resolved().get("zero_optimization.offload_optimizer.nvme_path"));
        assertEquals(before, map.toString());
    }

    @Test
    void whatHasNoneIsRefusedInTheOrderOfTheMap() {
        Map<Object, Object> map = new LinkedHashMap<>();
        map.put("gradient_clipping", Double.NaN);
        map.put("optimizer", Map.of("type", "adam", "params", Map.of("lr", new DoubleAdder())));
        map.put("steps_per_print", BigInteger.TEN.pow(100_000));
        map.put("fp16", new Object());
        map.put(7, 1);
        map.put(null, 1);
        @SuppressWarnings({"unchecked", "rawtypes"}) // what a caller without generics may pass
        ConfigCheck check = DsConfig.check((Map<String, ?>) (Map) map, CheckOptions.none());
        assertEquals(
                List.of(
                        "A key is 7; keys are strings.",
                        "A key is null; keys are strings.",
                        "'gradient_clipping' is NaN, which JSON does not have.",
                        "'lr' is a java.util.concurrent.atomic.DoubleAdder, which JSON does not"
                                + " have.",
                        "'steps_per_print' is a number of more than 400 digits, which JSON does not"
                                + " have.",
                        "'fp16' is a java.lang.Object, which JSON does not have."),
                check.diagnostics().stream().map(Diagnostic::message).toList());
    }

    @Test
    void aMapThatContainsItselfIsAnError() {
        Map<String, Object> cyclic = new HashMap<>();
        cyclic.put("train_batch_size", 8);
        cyclic.put("optimizer", cyclic);
        cyclic.put("fp16", cyclic);
        assertLimited(cyclic, "The map nests deeper than 64, or contains itself.");
        List<Object> list = new ArrayList<>();
        list.add(list);
        assertLimited(Map.of("a", list), "The map nests deeper than 64, or contains itself.");
    }

    @Test
    void partsThatAreSharedDoNotMultiply() {
        Map<String, Object> shared = new HashMap<>();
        for (int level = 0; level < 50; level++) {
            Map<String, Object> next = new HashMap<>();
            next.put("l", shared);
            next.put("r", shared);
            shared = next;
        }
        assertLimited(shared, "The ");
    }

    private static void assertLimited(Map<String, Object> map, String start) {
        List<Diagnostic> found = DsConfig.check(map, CheckOptions.none()).diagnostics();
        assertTrue(
                found.stream()
                        .anyMatch(d -> d.code().equals("limit") && d.message().startsWith(start)),
                found::toString);
    }
}
