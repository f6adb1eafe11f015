package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.core.Settings;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.OptimizerProvider;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.Shard;
import ds.optim.spi.StateSlot;
import ds.testkit.FixtureReport;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Ten steps of DeepSpeed's and PyTorch's own optimizers, recorded; ours end in the same places. */
class RecordedTrajectoriesTest {
    private static final double PARAMETER_ABSOLUTE = 2e-6;

    /** Weights of SGD grow to 25: the recording itself is then 3.8e-6 from the exact value. */
    private static final int PARAMETER_ULPS = 4;

    /** A gradient and its decay can cancel, and Adagrad divides by what is left. */
    private static final double DECAYED_ADAGRAD = 1e-4;

    /** Matrix products of the recording were made in 16 bits, ours in 32. */
    private static final double SIXTEEN_BIT_PRODUCTS = 1e-2;

    /** DeepSpeed's 1 − beta2 is an fp32 difference, 1.3e-5 off; ours is rounded from fp64. */
    private static final double STATE_RELATIVE = 2e-5;

    /** A sum of signed terms can cancel; one of squares cannot. */
    private static final double SIGNED_ABSOLUTE = 2e-6;

    private static final double SQUARED_ABSOLUTE = 1e-9;

    private static final int STEPS = 10;

    /**
     * A state halfway between two 16-bit values, rounded to the other one, moves each later step by a
     * last bit of the learning rate: the product that is rounded first in m is another one there.
     */
    private static final double ROUNDED_STATES = STEPS * 0.01;

    private static final List<String> TENSORS = List.of("a", "b", "c");

    private static final Map<String, OptimizerProvider> PROVIDERS =
            Map.of(
                    "ds.CPUAdam", new AdamProvider(),
                    "ds.FusedAdam(cpu)", new AdamProvider(),
                    "torch.optim.Adam", new AdamProvider(),
                    "torch.optim.AdamW", new AdamWProvider(),
                    "torch.optim.SGD", new SgdProvider(),
                    "torch.optim.Adagrad", new AdagradProvider(),
                    "ds.CPUAdagrad", new AdagradProvider(),
                    "ref.Lion", new LionProvider(),
                    "ref.LAMB(DeepSpeed FusedLamb formula)", new LambProvider(),
                    "ds.SingleDeviceMuon", new MuonProvider());

    @Test
    @Tag("fixtures")
    void providedOptimizersFollowTheRecording() throws IOException {
        Assumptions.assumeTrue(Golden.isPresent("optim"), "no optim fixtures in this folder");
        Golden golden = Golden.read("optim");
        FixtureReport report = new FixtureReport("optim");
        for (Map<String, Object> recorded : golden.cases("cases")) {
            if (whyNot(recorded).isEmpty()) {
                new Trajectory(golden, recorded, report).follow();
            }
        }
        System.out.println(report);
        assertEquals(List.of(), report.outside());
        assertTrue(report.cases() > 0);
    }

    @Test
    void whatIsNotComparedIsListedWithItsReason() throws IOException {
        Map<String, Integer> reasons = new TreeMap<>();
        for (Map<String, Object> recorded : Golden.read("optim").cases("cases")) {
            whyNot(recorded).ifPresent(reason -> reasons.merge(reason, 1, Integer::sum));
        }
        assertEquals(
                Map.of(
                        "a defect that is not imitated", 3,
                        "a step that depends on where the state rests", 1,
                        "PyTorch's own Muon, which DeepSpeed does not take", 2),
                reasons);
    }

    /** Returns why a case is not compared; empty if it is. */
    private static Optional<String> whyNot(Map<String, Object> recorded) {
        Map<String, Object> hyper = Golden.object(recorded.get("hyper"));
        String source = (String) recorded.get("source");
        if (((String) recorded.get("id")).startsWith("peerbug_")) {
            return Optional.of("a defect that is not imitated");
        }
        if (source.equals("ds.CPUAdagrad") && !hyper.get("weight_decay").equals(0.0)) {
            return Optional.of("a step that depends on where the state rests");
        }
        return PROVIDERS.containsKey(source)
                ? Optional.empty()
                : Optional.of("PyTorch's own Muon, which DeepSpeed does not take");
    }

    /** One recorded run, made again tensor by tensor. */
    private record Trajectory(Golden golden, Map<String, Object> recorded, FixtureReport report) {
        private static final Set<String> NOT_SETTINGS =
                Set.of(
                        "adamw_mode",
                        "fp32_optimizer_states",
                        "ns_steps",
                        "nesterov",
                        "ns_compute_dtype",
                        "adjust_lr_fn");

        void follow() {
            Optimizer optimizer = optimizer();
            Map<String, Object> first = Golden.object(Golden.object(step(1)).get("p"));
            for (String tensor : TENSORS) {
                if (first.containsKey(tensor)) {
                    follow(optimizer, tensor);
                }
            }
        }

        private Object step(int step) {
            return Golden.object(recorded.get("steps"))
                    .getOrDefault(String.valueOf(step), Map.of());
        }

        private Map<String, Object> hyper() {
            return Golden.object(recorded.get("hyper"));
        }

        private Optimizer optimizer() {
            OptimizerProvider provider = PROVIDERS.get((String) recorded.get("source"));
            Map<String, Object> params = new HashMap<>(hyper());
            if (params.containsKey("adamw_mode")) {
                params.put("adam_w_mode", params.get("adamw_mode"));
            }
            if (recorded.get("source").equals("torch.optim.Adam")) {
                params.put("adam_w_mode", false);
            }
            if (!(provider instanceof SgdProvider)) {
                params.keySet().removeAll(NOT_SETTINGS);
            }
            params.values().removeIf(value -> value == null);
            if (states().isPresent()) {
                // DeepSpeed's betas are fp32, and so is its 1 - beta: where states are rounded, the
                // last bit of that is seen.
                params.computeIfPresent(
                        "betas",
                        (_, betas) ->
                                ((List<?>) betas)
                                        .stream()
                                                .map(beta -> (double) ((Number) beta).floatValue())
                                                .toList());
            }
            Settings.Checked checked = Settings.validate(provider.settings(), params, "");
            assertTrue(checked.isUsable(), () -> checked.diagnostics().toString());
            return provider.create(checked.settings());
        }

        private void follow(Optimizer optimizer, String tensor) {
            String data = (String) recorded.get("data");
            String start = data + "/p0/" + tensor;
            List<?> rates = (List<?>) recorded.get("lr_per_step");
            ParameterSpec parameter = new ParameterSpec(tensor, golden.shape(start), Set.of());
            try (Bench bench = new Bench(1)) {
                FlatBuffer master = bench.floats(golden.floats(start));
                FlatBuffer gradient = bench.buffer(DType.FP32, master.lengthElements());
                Optional<DType> weights = weights();
                Shard shard = bench.shard(optimizer, parameter, master, gradient, weights);
                weights.ifPresent(type -> round(master, type));
                for (int step = 1; step <= STEPS; step++) {
                    gradient.copyFrom(
                            FlatBuffer.ofFloats(golden.floats(data + "/g" + step + "/" + tensor)));
                    Hyper hyper = optimizer.base();
                    if (rates != null) {
                        hyper = hyper.withLr(((Number) rates.get(step - 1)).doubleValue());
                    }
                    weights.ifPresent(type -> round(gradient, type));
                    bench.step(optimizer, shard, bench.context(step, hyper, 1));
                    weights.ifPresent(_ -> forgetMaster(shard));
                    states().ifPresent(type -> shard.slots().forEach(slot -> round(slot, type)));
                    Map<String, Object> fields = Golden.object(step(step));
                    if (!fields.isEmpty()) {
                        compare(fields, shard, optimizer, tensor, "step " + step + " of " + tensor);
                    }
                }
            }
        }

        /** Returns the type of weights that have no master; empty where they are fp32. */
        private Optional<DType> weights() {
            return switch ((String) recorded.get("param_dtype")) {
                case "bfloat16" -> Optional.of(DType.BF16);
                case "float16" -> Optional.of(DType.FP16);
                default -> Optional.empty();
            };
        }

        /** Returns the type of states that are rounded after each step; empty where they are fp32. */
        private Optional<DType> states() {
            return Boolean.FALSE.equals(hyper().get("fp32_optimizer_states"))
                    ? weights()
                    : Optional.empty();
        }

        private static void round(FlatBuffer values, DType type) {
            for (long i = 0; i < values.lengthElements(); i++) {
                values.set(i, Rounding.stored(values.get(i), type));
            }
        }

        /** Leaves what the recording kept of the weights: the copy. */
        private void forgetMaster(Shard shard) {
            FlatBuffer copy = shard.copyOut().orElseThrow();
            for (long i = 0; i < copy.lengthElements(); i++) {
                shard.master().set(i, copy.get(i));
            }
        }

        private void compare(
                Map<String, Object> fields,
                Shard shard,
                Optimizer optimizer,
                String tensor,
                String where) {
            String id = (String) recorded.get("id");
            float[] expected = golden.floats((String) Golden.object(fields.get("p")).get(tensor));
            for (int i = 0; i < expected.length; i++) {
                double deviation = Math.abs((double) expected[i] - shard.master().get(i));
                report.add(id, where + " at " + i, deviation, tolerance(expected[i]));
            }
            List<StateSlot> slots = optimizer.slots(shard.ranges().getFirst().parameter());
            for (int slot = 0; slot < slots.size(); slot++) {
                String name = slots.get(slot).name();
                Object recordedState = fields.get(recordedName(name));
                if (recordedState == null) {
                    continue;
                }
                float[] state = golden.floats((String) Golden.object(recordedState).get(tensor));
                double absolute =
                        states().map(type -> ulp(largest(state), type))
                                .orElse(
                                        name.endsWith("exp_avg_sq")
                                                ? SQUARED_ABSOLUTE
                                                : SIGNED_ABSOLUTE);
                double offset =
                        ((Number) hyper().getOrDefault("initial_accumulator_value", 0))
                                .doubleValue();
                for (int i = 0; i < state.length; i++) {
                    assertEquals(
                            state[i],
                            shard.slots().get(slot).get(i) + offset,
                            absolute + STATE_RELATIVE * Math.abs(state[i]),
                            id + " " + where + " " + name + " " + i);
                }
            }
        }

        private static float largest(float[] values) {
            float largest = 0;
            for (float value : values) {
                largest = Math.max(largest, Math.abs(value));
            }
            return largest;
        }

        /** Returns the distance to the next value of {@code type} that is larger in magnitude. */
        private static double ulp(float value, DType type) {
            double least = type == DType.BF16 ? 0x1p-133 : 0x1p-24;
            int bits = type == DType.BF16 ? 7 : 10;
            return Math.max(least, Math.scalb(1.0, Math.getExponent(value) - bits));
        }

        private String recordedName(String slot) {
            return switch ((String) recorded.get("source")) {
                case "ds.CPUAdagrad" -> "exp_avg_sq";
                case "ds.SingleDeviceMuon" -> slot.equals("exp_avg") ? "momentum_buffer" : slot;
                default -> slot;
            };
        }

        private double tolerance(float expected) {
            if (states().isPresent()) {
                return Math.max(
                        ulp(expected, states().get()), ROUNDED_STATES * ulp(1, states().get()));
            }
            if (weights().isPresent()) {
                return ulp(expected, weights().get());
            }
            if (((String) recorded.get("id")).endsWith("_lowp")) {
                return SIXTEEN_BIT_PRODUCTS;
            }
            boolean decays = ((Number) hyper().getOrDefault("weight_decay", 0)).doubleValue() != 0;
            if (((String) recorded.get("source")).endsWith("Adagrad") && decays) {
                return DECAYED_ADAGRAD;
            }
            return Math.max(PARAMETER_ABSOLUTE, PARAMETER_ULPS * (double) Math.ulp(expected));
        }
    }
}
