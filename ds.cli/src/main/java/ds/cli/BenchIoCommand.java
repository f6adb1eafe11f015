package ds.cli;

import ds.core.ProviderTable;
import ds.offload.AioSettings;
import ds.offload.StorageBackend;
import ds.offload.StorageProviders;
import ds.offload.spi.StorageProvider;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** {@code ds bench io}. */
@CommandLine.Command(
        name = "io",
        sortOptions = false,
        description =
                "Reads and writes of storage backends beside fio with the same engine, in turn.")
final class BenchIoCommand extends Command {
    private static final double GIGA = 1e9;

    @Option(
            names = "--path",
            paramLabel = "DIR",
            description = "A directory on the drive (default: the directory for temporary files).")
    private Path path = Path.of(System.getProperty("java.io.tmpdir"));

    @Option(
            names = "--backend",
            paramLabel = "NAME[,NAME...]",
            split = ",",
            description = "Backends to measure (default: all that can run there).")
    private List<String> backends = List.of();

    @Option(
            names = "--size",
            paramLabel = "MIB",
            description = "MiB of the file (default: ${DEFAULT-VALUE}).")
    private int sizeMib = 1024;

    @Option(
            names = "--block",
            paramLabel = "BYTES",
            description = "Bytes of one request (default: ${DEFAULT-VALUE}).")
    private int blockBytes = 1 << 20;

    @Option(
            names = "--depth",
            paramLabel = "N",
            description = "Requests under way at once (default: ${DEFAULT-VALUE}).")
    private int depth = 32;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description =
                    "How often each is measured; the middle counts (default: ${DEFAULT-VALUE}).")
    private int rounds = 5;

    @Option(names = "--no-fio", description = "Leave fio out, even where it is installed.")
    private boolean withoutFio;

    /** Bytes per second of every round. */
    private record Rates(double[] own, double[] fio) {
        Rates(int rounds) {
            this(new double[rounds], new double[rounds]);
        }
    }

    @Override
    int run() {
        AioSettings aio = settings();
        boolean fio = !withoutFio && Fio.isInstalled();
        if (!fio) {
            out().message("fio is not measured beside: it is not installed, or not wanted.");
        }
        List<Object> results = new ArrayList<>();
        try (StorageBench bench = new StorageBench(path, blockBytes, depth, (long) sizeMib << 20)) {
            for (StorageProvider provider : providers()) {
                Rates read = new Rates(rounds);
                Rates write = new Rates(rounds);
                try (StorageBackend backend = bench.open(provider, aio)) {
                    bench.pass(backend, true); // warm-up
                    bench.pass(backend, false);
                    for (int i = 0; i < rounds; i++) {
                        measure(bench, backend, provider.name(), write, i, true, fio);
                        measure(bench, backend, provider.name(), read, i, false, fio);
                    }
                }
                results.add(report(provider.name(), read, write, fio));
            }
        }
        out().document(Map.of("results", results));
        return Main.OK;
    }

    private AioSettings settings() {
        if (sizeMib < 1 || rounds < 1) {
            throw new UserMistakeException(
                    "--size is %d and --rounds %d; both must be at least 1."
                            .formatted(sizeMib, rounds));
        }
        try {
            return AioSettings.DEFAULT.withBlockBytes(blockBytes).withQueueDepth(depth);
        } catch (IllegalArgumentException e) {
            throw new UserMistakeException("--block and --depth: " + e.getMessage());
        }
    }

    private List<StorageProvider> providers() {
        ProviderTable<StorageProvider> table = StorageProviders.table(ModuleLayer.boot());
        if (!backends.isEmpty()) {
            return backends.stream()
                    .map(name -> StorageProviders.named(ModuleLayer.boot(), name, path).provider())
                    .toList();
        }
        return table.all().stream()
                .filter(p -> p.unavailable().or(() -> p.unavailable(path)).isEmpty())
                .sorted(Comparator.comparingInt(StorageProvider::priority).reversed())
                .toList();
    }

    private void measure(
            StorageBench bench,
            StorageBackend backend,
            String name,
            Rates rates,
            int round,
            boolean write,
            boolean fio) {
        rates.own[round] = bench.bytes() * GIGA / Bench.nanos(() -> bench.pass(backend, write));
        if (fio) {
            rates.fio[round] =
                    Fio.rate(name, bench.file(), bench.bytes(), blockBytes, depth, write);
        }
    }

    private Map<String, Object> report(String name, Rates read, Rates write, boolean fio) {
        boolean direct = Fio.engine(name).contains("--direct=1");
        out().result(
                        "%-9s read %s  write %s  %s"
                                .formatted(
                                        name,
                                        text(read, fio),
                                        text(write, fio),
                                        direct ? "past the page cache" : "through the page cache"));
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("backend", name);
        entry.put("direct", direct);
        put(entry, "read", read, fio);
        put(entry, "write", write, fio);
        return entry;
    }

    private static String text(Rates rates, boolean fio) {
        double own = median(rates.own) / GIGA;
        return fio
                ? String.format(
                        Locale.ROOT,
                        "%6.2f GB/s (fio %6.2f, share %.2f)",
                        own,
                        median(rates.fio) / GIGA,
                        median(rates.own) / median(rates.fio))
                : String.format(Locale.ROOT, "%6.2f GB/s", own);
    }

    private static void put(Map<String, Object> entry, String what, Rates rates, boolean fio) {
        entry.put(what + "_gigabytes_per_second", median(rates.own) / GIGA);
        if (fio) {
            entry.put(what + "_fio_gigabytes_per_second", median(rates.fio) / GIGA);
            entry.put(what + "_share", median(rates.own) / median(rates.fio));
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
