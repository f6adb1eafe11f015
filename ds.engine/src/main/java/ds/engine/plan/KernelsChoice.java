package ds.engine.plan;

import ds.config.DsConfig;
import ds.core.DType;
import ds.core.Diagnostic;
import ds.core.ProviderException;
import ds.core.ProviderTable;
import ds.core.Spelling;
import ds.kernels.KernelsProviders;
import ds.kernels.spi.KernelsProvider;
import java.util.List;
import java.util.Optional;

/** Decides what computes: the host, unless another provider is named. */
final class KernelsChoice {
    private static final String POINTER = "/jvm/kernels";

    private KernelsChoice() {}

    /** Returns the provider that is named; empty if a problem was added. */
    static Optional<KernelsProvider> of(
            DsConfig config, ModuleLayer layer, List<Diagnostic> problems) {
        String name = config.jvm().kernels();
        ProviderTable<KernelsProvider> table = KernelsProviders.in(layer);
        try {
            return Optional.of(table.require(name));
        } catch (ProviderException e) {
            List<String> near = Spelling.nearest(name, table.names(), 1);
            String wayOut =
                    table.has(name) || near.isEmpty()
                            ? "Name another, or leave it out: the default is \"host\"."
                            : "Did you mean '%s'?".formatted(near.getFirst());
            problems.add(
                    config.locate(
                            Diagnostic.refused(
                                    "kernels", POINTER, String.valueOf(e.getMessage()), wayOut)));
            return Optional.empty();
        }
    }

    /** Returns what these kernels have to say of products in {@code type}. */
    static Optional<Decision> remark(KernelsProvider kernels, DType type) {
        return kernels.remark(type)
                .map(
                        remark ->
                                new Decision(
                                        Decision.Kind.WARNING,
                                        POINTER,
                                        "is '%s', %s".formatted(kernels.name(), remark)));
    }
}
