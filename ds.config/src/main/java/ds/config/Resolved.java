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

/** Flattens a configuration to dotted path and value, defaults included. */
final class Resolved {
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
            flat.put(
                    path,
                    settings.value(key.name())
                            .orElse(key.type() == Type.OBJECT ? null : Settings.AUTO));
        } else if (key.type() != Type.OBJECT || !settings.has(key.name())) {
            flat.put(path, settings.value(key.name()).orElse(null));
        } else {
            Settings inner = settings.section(key.name());
            section(key.keys(), inner, path + ".");
            if (key.keys().isEmpty() && inner.names().isEmpty()) {
                flat.put(path, Map.of());
            }
        }
    }

    private void undeclared(Object value, String path) {
        if (value instanceof Settings inner && !inner.names().isEmpty()) {
            inner.names().forEach(n -> undeclared(inner.value(n).orElseThrow(), path + "." + n));
        } else {
            flat.put(path, value instanceof Settings ? Map.of() : value);
        }
    }
}
