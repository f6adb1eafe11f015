package ds.config;

import ds.core.KeyDeclaration;
import ds.core.KeyDeclaration.Trait;
import ds.core.KeyDeclaration.Type;
import ds.core.Settings;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Flattens a configuration to dotted path and value, defaults included. */
final class Resolved {
    /** Sections in which DeepSpeed takes {@code "auto"} for the default; elsewhere it stays. */
    private static final Set<String> AUTO_IS_DEFAULT =
            Set.of(
                    "zero_optimization",
                    "fp16",
                    "bf16",
                    "tensorboard",
                    "wandb",
                    "csv_monitor",
                    "comet",
                    "comms_logger",
                    "hybrid_engine",
                    "compile",
                    "tensor_parallel",
                    "weight_quantization",
                    "timers");

    private final Map<String, Object> flat = new LinkedHashMap<>();

    private Resolved() {}

    static Map<String, Object> of(Settings root, BatchSizes batch, OptionalInt worldSize) {
        Resolved resolved = new Resolved();
        resolved.section(KeyTable.ROOT, root, "");
        if (worldSize.isPresent() && batch.auto().isEmpty()) {
            BatchSizes.Resolved sizes = batch.resolve(worldSize.getAsInt());
            resolved.flat.put(BatchSizes.TRAIN, sizes.train());
            resolved.flat.put(BatchSizes.MICRO, sizes.micro());
            resolved.flat.put(BatchSizes.ACCUMULATION, sizes.accumulation());
        }
        return Collections.unmodifiableMap(resolved.flat);
    }

    private void section(List<KeyDeclaration> keys, Settings settings, String prefix) {
        for (KeyDeclaration key : keys) {
            if (!key.has(Trait.DEPRECATED)) {
                declared(key, settings, prefix + key.name());
            }
        }
        for (String name : settings.names()) {
            if (keys.stream().noneMatch(key -> key.name().equals(name))) {
                undeclared(settings.value(name).orElseThrow(), prefix + name);
            }
        }
    }

    private void declared(KeyDeclaration key, Settings settings, String path) {
        if (settings.isAuto(key.name())) {
            boolean defaults = AUTO_IS_DEFAULT.contains(path.replaceFirst("\\..*", ""));
            Object undecided = key.type() == Type.OBJECT ? null : Settings.AUTO;
            flat.put(path, defaults ? settings.value(key.name()).orElse(undecided) : undecided);
        } else if (!(settings.value(key.name()).orElse(null) instanceof Settings inner)) {
            flat.put(path, settings.value(key.name()).map(Resolved::plain).orElse(null));
        } else if (key.type() != Type.OBJECT) {
            undeclared(inner, path);
        } else {
            if (key.has(Trait.NAMED)) {
                inner.names()
                        .forEach(n -> section(key.keys(), inner.section(n), path + "." + n + "."));
            } else {
                section(key.keys(), inner, path + ".");
            }
            if ((key.keys().isEmpty() || key.has(Trait.NAMED)) && inner.names().isEmpty()) {
                flat.put(path, Map.of());
            }
        }
    }

    private void undeclared(Object value, String path) {
        if (value instanceof Settings inner && !inner.names().isEmpty()) {
            inner.names().forEach(n -> undeclared(inner.value(n).orElseThrow(), path + "." + n));
        } else {
            flat.put(path, plain(value));
        }
    }

    /** Returns objects inside lists as maps. */
    private static @Nullable Object plain(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case Settings inner -> inner.asMap();
            case List<?> list -> list.stream().map(Resolved::plain).toList();
            default -> value;
        };
    }
}
