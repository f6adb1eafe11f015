package ds.optim.builtin;

import java.lang.module.ResolvedModule;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Where this build's modules lie. */
final class Modules {
    private static final Set<String> NAMES =
            Set.of("ds.core", "ds.kernels", "ds.optim.spi", "ds.optim.builtin");

    private Modules() {}

    /** Returns the classes directories or archives of this module and what it requires. */
    static List<String> locations() {
        return ModuleLayer.boot().configuration().modules().stream()
                .filter(module -> NAMES.contains(module.name()))
                .map(ResolvedModule::reference)
                .map(reference -> Path.of(reference.location().orElseThrow()).toString())
                .toList();
    }
}
