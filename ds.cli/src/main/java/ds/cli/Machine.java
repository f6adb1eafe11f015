package ds.cli;

import ds.offload.StorageProviders;
import java.util.ArrayList;
import java.util.List;

/** What this machine offers, in one line. */
final class Machine {
    private static final List<String> FAST_STORAGE = List.of("libaio", "io_uring");

    private Machine() {}

    static String line(int ranks, int workers) {
        int cores = Runtime.getRuntime().availableProcessors();
        List<String> missing = new ArrayList<>();
        missing.add("GPU (no provider)");
        var providers = StorageProviders.table(ModuleLayer.boot());
        for (String storage : FAST_STORAGE) {
            if (providers.all().stream()
                    .noneMatch(
                            provider ->
                                    provider.name().equals(storage)
                                            && provider.unavailable().isEmpty())) {
                missing.add(storage);
            }
        }
        if (vectorBits() == 0) {
            missing.add("vectors (start java with --add-modules jdk.incubator.vector)");
        }
        return "device host: %d threads (%d ranks x %d workers), %s; not found: %s"
                .formatted(cores, ranks, workers, vectors(), String.join(", ", missing));
    }

    static String vectors() {
        int bits = vectorBits();
        return bits == 0 ? "no vectors" : bits + "-bit vectors";
    }

    /** Returns the preferred vector width in bits; 0 without the vector module. */
    static int vectorBits() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                ? VectorWidth.bits()
                : 0;
    }
}
