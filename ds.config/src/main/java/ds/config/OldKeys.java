package ds.config;

import ds.core.Settings;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The old keys of {@code zero_optimization} that are still read, and what they mean today. */
enum OldKeys {
    /** All optimizer state in host memory. */
    CPU_OFFLOAD("cpu_offload", "offload_optimizer", true),
    /** All parameters in host memory. */
    CPU_OFFLOAD_PARAM("cpu_offload_param", "offload_param", true),
    /** A name from before bf16. */
    GATHER_FP16(
            "stage3_gather_fp16_weights_on_model_save",
            "stage3_gather_16bit_weights_on_model_save",
            false),
    /** DeepSpeed discards it, and so do we. */
    PIN_MEMORY("cpu_offload_use_pin_memory", "", false);

    /** The section they stand in. */
    static final String SECTION = "zero_optimization";

    private static final Object CPU = Map.of("device", "cpu");

    private final String key;
    private final String successor;
    private final boolean offload;

    OldKeys(String key, String successor, boolean offload) {
        this.key = key;
        this.successor = successor;
        this.offload = offload;
    }

    /** Returns the old key that {@code successor} replaces, if any. */
    static Optional<OldKeys> replacedBy(String successor) {
        return Stream.of(values()).filter(old -> old.successor.equals(successor)).findFirst();
    }

    /** Returns the old key of this name, if it is one. */
    static Optional<OldKeys> named(String key) {
        return Stream.of(values()).filter(old -> old.key.equals(key)).findFirst();
    }

    String key() {
        return key;
    }

    /** Returns the key that replaces it, or {@code ""} if it meant nothing. */
    String successor() {
        return successor;
    }

    /** Returns the dotted path that shows what it set, such as the device of a section. */
    String path() {
        return SECTION + "." + successor + (offload ? ".device" : "");
    }

    /**
     * Returns the value of the successor; empty if the old key, as it is given, set nothing.
     *
     * @param zero the section as it was read
     */
    Optional<Object> meaning(Settings zero) {
        if (successor.isEmpty() || !zero.has(key) || zero.isAuto(key)) {
            return Optional.empty();
        }
        boolean on = zero.booleanOr(key, false);
        return offload ? Optional.of(CPU).filter(_ -> on) : Optional.of(on);
    }
}
