package ds.foreign.openblas;

import ds.core.DType;
import ds.foreign.Linux;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.kernels.spi.KernelsProvider;
import java.util.Optional;

/**
 * The host's kernels with fp32 matrix products by OpenBLAS, if {@code libopenblas.so.0} is installed.
 * Never chosen unless it is named: it adds in an order of its own.
 */
public final class OpenblasProvider implements KernelsProvider {
    /** Creates the provider. */
    public OpenblasProvider() {}

    @Override
    public String name() {
        return OpenblasKernels.NAME;
    }

    @Override
    public Optional<String> unavailable() {
        return Linux.unavailable().or(Openblas::missing);
    }

    @Override
    public Kernels create(Workers workers) {
        return new OpenblasKernels(KernelsProviders.host(workers));
    }

    @Override
    public boolean reproducible() {
        return false;
    }

    @Override
    public Optional<String> remark(DType type) {
        return type == DType.FP32
                ? Optional.empty()
                : Optional.of(
                        "which multiplies fp32 only; products in %s stay with the host"
                                .formatted(type.jsonName()));
    }
}
