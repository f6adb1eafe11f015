package ds.cli;

import ds.offload.AioSettings;
import ds.offload.StorageBackend;
import ds.offload.StorageProviders;
import ds.offload.spi.StorageProvider;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds tune nvme}. */
@CommandLine.Command(
        name = "nvme",
        sortOptions = false,
        description = {
            "Finds backend, block size and depth for a drive, and prints what to put into the configuration.",
            "Each candidate reads and writes a file as a step does, in transfers of 8 MiB, four under way."
        })
final class TuneNvmeCommand extends Command {
    private static final int TRANSFER_BYTES = 8 << 20;
    private static final int TRANSFERS = 4;
    private static final int[] BLOCK_BYTES = {1 << 20, 256 << 10, 4 << 20, 128 << 10};
    private static final int[] DEPTHS = {8, 32, 64};
    private static final int[] THREADS = {1, 2, 4, 8};
    private static final int FINALISTS = 3;
    private static final int FINALS = 4;
    private static final double GIGA = 1e9;

    @Parameters(paramLabel = "DIR", description = "A directory on the drive.")
    private Path path;

    @Option(
            names = "--size",
            paramLabel = "MIB",
            description = "MiB of the file (default: ${DEFAULT-VALUE}).")
    private int sizeMib = 256;

    @Option(
            names = "--limit",
            paramLabel = "SECONDS",
            description = "After so long no candidate is begun (default: ${DEFAULT-VALUE}).")
    private double limitSeconds = 50;

    /** One way to move bytes, and how it did. */
    private static final class Candidate {
        final StorageProvider provider;
        final AioSettings aio;
        final List<Long> nanos = new ArrayList<>();

        Candidate(StorageProvider provider, AioSettings aio) {
            this.provider = provider;
            this.aio = aio;
        }

        long median() {
            List<Long> sorted = nanos.stream().sorted().toList();
            return sorted.get(sorted.size() / 2);
        }

        @Override
        public String toString() {
            return threads(provider)
                    ? "%-9s %d threads".formatted(provider.name(), aio.parallelism())
                    : "%-9s block_size %,9d  queue_depth %2d"
                            .formatted(provider.name(), aio.blockBytes(), aio.queueDepth());
        }
    }

    @Override
    int run() {
        if (sizeMib < 32 || limitSeconds <= 0) {
            throw new UserMistakeException(
                    "--size is %d and --limit %s; it takes 32 MiB and some time at least."
                            .formatted(sizeMib, limitSeconds));
        }
        long end = System.nanoTime() + (long) (limitSeconds * GIGA);
        List<Candidate> measured = new ArrayList<>();
        try (StorageBench bench =
                new StorageBench(path, TRANSFER_BYTES, TRANSFERS, (long) sizeMib << 20)) {
            List<Candidate> candidates = candidates();
            measure(bench, candidates.getFirst()); // warm-up
            candidates.getFirst().nanos.clear();
            for (Candidate candidate : candidates) {
                if (System.nanoTime() < end || measured.isEmpty()) {
                    measure(bench, candidate);
                    measured.add(candidate);
                }
            }
            measured.sort(Comparator.comparingLong(Candidate::median));
            List<Candidate> finalists = measured.subList(0, Math.min(FINALISTS, measured.size()));
            for (int i = 0; i < FINALS && System.nanoTime() < end; i++) {
                finalists.forEach(candidate -> measure(bench, candidate));
            }
            finalists.sort(Comparator.comparingLong(Candidate::median)); // once may be luck
            report(measured, bench.bytes());
        }
        return Main.OK;
    }

    private static boolean threads(StorageProvider provider) {
        return !Fio.engine(provider.name()).contains("--direct=1");
    }

    /** The page cache would win every race and lose the state's way to the drive. */
    private List<Candidate> candidates() {
        List<StorageProvider> usable =
                StorageProviders.table(ModuleLayer.boot()).all().stream()
                        .filter(p -> p.unavailable().or(() -> p.unavailable(path)).isEmpty())
                        .sorted(Comparator.comparingInt(StorageProvider::priority).reversed())
                        .toList();
        List<Candidate> candidates = new ArrayList<>();
        for (int blockBytes : BLOCK_BYTES) {
            for (int depth : DEPTHS) {
                for (StorageProvider provider : usable) {
                    if (!threads(provider)) {
                        candidates.add(
                                new Candidate(
                                        provider,
                                        AioSettings.DEFAULT
                                                .withBlockBytes(blockBytes)
                                                .withQueueDepth(depth)));
                    }
                }
            }
        }
        if (candidates.isEmpty()) {
            out().message("No backend goes past the page cache here; threads are compared.");
            for (int threads : THREADS) {
                candidates.add(
                        new Candidate(
                                StorageProviders.portable(),
                                AioSettings.DEFAULT.withParallelism(threads)));
            }
        }
        return candidates;
    }

    private static void measure(StorageBench bench, Candidate candidate) {
        try (StorageBackend backend = bench.open(candidate.provider, candidate.aio)) {
            candidate.nanos.add(
                    Bench.nanos(
                            () -> {
                                bench.pass(backend, false);
                                bench.pass(backend, true);
                                backend.sync();
                            }));
        }
    }

    private void report(List<Candidate> measured, long bytes) {
        List<Object> all = new ArrayList<>();
        for (Candidate candidate : measured) {
            double rate = 2.0 * bytes / candidate.median();
            out().result(
                            String.format(
                                    Locale.ROOT,
                                    "%s  %6.2f GB/s%s",
                                    candidate,
                                    rate,
                                    candidate.nanos.size() > 1
                                            ? "  (%d times)".formatted(candidate.nanos.size())
                                            : ""));
            Map<String, Object> entry = new LinkedHashMap<>(settings(candidate));
            entry.put("gigabytes_per_second", rate);
            entry.put("times", candidate.nanos.size());
            all.add(entry);
        }
        Map<String, Object> best = settings(measured.getFirst());
        out().result("\nThe best of these, to put into the configuration:\n");
        out().result(block(best));
        out().document(Map.of("candidates", all, "configuration", best));
    }

    private static Map<String, Object> settings(Candidate candidate) {
        Map<String, Object> aio = new LinkedHashMap<>();
        aio.put("block_size", candidate.aio.blockBytes());
        aio.put("queue_depth", candidate.aio.queueDepth());
        aio.put("intra_op_parallelism", candidate.aio.parallelism());
        aio.put("single_submit", candidate.aio.singleSubmit());
        aio.put("overlap_events", candidate.aio.overlapEvents());
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("aio", aio);
        settings.put("jvm", Map.of("storage_backend", candidate.provider.name()));
        return settings;
    }

    /** Returns the entries of {@code settings} as they stand in a configuration. */
    private static String block(Map<String, Object> settings) {
        String json = Json.of(settings).strip();
        return json.substring(json.indexOf('{') + 1, json.lastIndexOf('}')).strip();
    }
}
