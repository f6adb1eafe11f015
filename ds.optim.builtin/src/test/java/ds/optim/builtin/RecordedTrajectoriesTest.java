package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.Shard;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Ten steps of DeepSpeed's and PyTorch's own optimizers, recorded; ours end in the same places. */
class RecordedTrajectoriesTest {
    private static final double PARAMETER_ABSOLUTE = 2e-6;

    /** Weights of SGD grow to 25: the recording itself is then 3.8e-6 from the exact value. */
    private static final int PARAMETER_ULPS = 4;

    /** DeepSpeed's 1 − beta2 is an fp32 difference, 1.3e-5 off; ours is rounded from fp64. */
    private static final double STATE_RELATIVE = 2e-5;

    /** A sum of signed terms can cancel; one of squares cannot. */
    private static final double SIGNED_ABSOLUTE = 2e-6;

    private static final double SQUARED_ABSOLUTE = 1e-9;
    private static final int STEPS = 10;
    private static final List<String> TENSORS = List.of("a", "b", "c");

    /** Optimizers that were recorded and are not provided yet. */
    private static final Set<String> NOT_YET_PROVIDED =
            Set.of(
                    "ds.CPUAdagrad",
                    "torch.optim.Adagrad",
                    "ref.Lion",
                    "ds.CPULion",
                    "ref.LAMB(DeepSpeed FusedLamb formula)",
                    "ds.SingleDeviceMuon",
                    "torch.optim.Muon");

    /** Of the provided optimizers: AMSGrad is refused, and 16-bit weights always have a master. */
    private static final Set<String> OTHER_VARIANTS =
            Set.of(
                    "cpuadam_bfloat16_states16",
                    "cpuadam_bfloat16_states32",
                    "cpuadam_float16_states16",
                    "cpuadam_float16_states32",
                    "torch_adam_11",
                    "torch_adam_15",
                    "torch_adam_7",
                    "torch_adamw_1",
                    "torch_adamw_13",
                    "torch_adamw_5");

    private static final Map<String, OptimizerProvider> PROVIDERS =
            Map.of(
                    "ds.CPUAdam", new AdamProvider(),
                    "ds.FusedAdam(cpu)", new AdamProvider(),
                    "torch.optim.Adam", new AdamProvider(),
                    "torch.optim.AdamW", new AdamWProvider(),
                    "torch.optim.SGD", new SgdProvider());

    @TestFactory
    Stream<DynamicTest> providedOptimizersFollowTheRecording() throws IOException {
        Golden golden = Golden.read("optim");
        List<Map<String, Object>> provided =
                golden.cases("cases").stream()
                        .filter(RecordedTrajectoriesTest::isProvided)
                        .toList();
        assertEquals(27, provided.size());
        return provided.stream()
                .map(c -> DynamicTest.dynamicTest((String) c.get("id"), () -> follow(golden, c)));
    }

    @Test
    void everythingElseIsListedAsNotYetProvided() throws IOException {
        Set<String> sources = new TreeSet<>();
        Set<String> variants = new TreeSet<>();
        for (Map<String, Object> recorded : Golden.read("optim").cases("cases")) {
            if (!PROVIDERS.containsKey((String) recorded.get("source"))) {
                sources.add((String) recorded.get("source"));
            } else if (!isProvided(recorded)) {
                variants.add((String) recorded.get("id"));
            }
        }
        assertEquals(new TreeSet<>(NOT_YET_PROVIDED), sources);
        assertEquals(new TreeSet<>(OTHER_VARIANTS), variants);
    }

    private static boolean isProvided(Map<String, Object> recorded) {
        Map<String, Object> hyper = Golden.object(recorded.get("hyper"));
        return PROVIDERS.containsKey((String) recorded.get("source"))
                && !Boolean.TRUE.equals(hyper.get("amsgrad"))
                && recorded.get("param_dtype").equals("float32");
    }

    private static void follow(Golden golden, Map<String, Object> recorded) {
        Map<String, Object> params = new HashMap<>(Golden.object(recorded.get("hyper")));
        params.put("adam_w_mode", params.remove("adamw_mode"));
        if (recorded.get("source").equals("torch.optim.Adam")) {
            params.put("adam_w_mode", false);
        }
        OptimizerProvider provider = PROVIDERS.get((String) recorded.get("source"));
        params.keySet()
                .removeIf(key -> provider.settings().stream().noneMatch(k -> k.name().equals(key)));
        params.values().removeIf(value -> value == null);
        Settings.Checked checked = Settings.validate(provider.settings(), params, "");
        assertTrue(checked.isUsable(), () -> checked.diagnostics().toString());
        Optimizer optimizer = provider.create(checked.settings());
        for (String tensor : TENSORS) {
            follow(golden, recorded, optimizer, tensor);
        }
    }

    private static void follow(
            Golden golden, Map<String, Object> recorded, Optimizer optimizer, String tensor) {
        String data = (String) recorded.get("data");
        List<?> rates = (List<?>) recorded.get("lr_per_step");
        Map<String, Object> steps = Golden.object(recorded.get("steps"));
        try (Bench bench = new Bench(1)) {
            FlatBuffer master = bench.floats(golden.floats(data + "/p0/" + tensor));
            FlatBuffer gradient = bench.buffer(DType.FP32, master.lengthElements());
            Shard shard = bench.shard(optimizer, master, gradient, Optional.empty());
            for (int step = 1; step <= STEPS; step++) {
                gradient.copyFrom(
                        FlatBuffer.ofFloats(golden.floats(data + "/g" + step + "/" + tensor)));
                Hyper hyper = optimizer.base();
                if (rates != null) {
                    hyper = hyper.withLr(((Number) rates.get(step - 1)).doubleValue());
                }
                bench.step(optimizer, shard, bench.context(step, hyper, 1));
                if (steps.get(String.valueOf(step)) instanceof Map<?, ?> fields) {
                    compare(golden, Golden.object(fields), shard, optimizer, step + "/" + tensor);
                }
            }
        }
    }

    private static void compare(
            Golden golden,
            Map<String, Object> fields,
            Shard shard,
            Optimizer optimizer,
            String where) {
        String tensor = where.substring(where.indexOf('/') + 1);
        float[] expected = golden.floats((String) Golden.object(fields.get("p")).get(tensor));
        for (int i = 0; i < expected.length; i++) {
            assertEquals(
                    expected[i],
                    shard.master().get(i),
                    Math.max(PARAMETER_ABSOLUTE, PARAMETER_ULPS * Math.ulp(expected[i])),
                    where + " " + i);
        }
        for (int slot = 0; slot < optimizer.slots().size(); slot++) {
            String name = optimizer.slots().get(slot).name();
            double absolute = name.equals("exp_avg_sq") ? SQUARED_ABSOLUTE : SIGNED_ABSOLUTE;
            float[] state = golden.floats((String) Golden.object(fields.get(name)).get(tensor));
            for (int i = 0; i < state.length; i++) {
                assertEquals(
                        state[i],
                        shard.slots().get(slot).get(i),
                        absolute + STATE_RELATIVE * Math.abs(state[i]),
                        where + " " + name + " " + i);
            }
        }
    }
}
