package ds.cli;

import ds.core.HostMemories;
import ds.core.IoReason;
import ds.core.RankMemory;
import ds.offload.AioSettings;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StateLayout;
import ds.offload.StateStores;
import ds.offload.StorageProviders;
import ds.offload.StorageSettings;
import ds.offload.StoreTerms;
import ds.offload.spi.StorageProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ds bench offload}. */
@CommandLine.Command(
        name = "offload",
        sortOptions = false,
        description = {
            "AdamW steps whose state rests on a drive, beside their transfers alone and their arithmetic alone, measured in turn.",
            "The store is a run's: fp32 masters and moments twice, checksums, a commit after each step. It and the files beside it take 48 bytes per parameter and are deleted."
        })
final class BenchOffloadCommand extends Command {
    private static final double GIGA = 1e9;
    private static final double ASKED = 1.15;
    private static final int GRANULE = 1024;
    private static final int ELEMENTS_MOST = 1 << 30;
    private static final long RESERVE_BYTES = 1L << 30;

    @Parameters(paramLabel = "DIR", description = "An existing directory on the drive.")
    private Path path;

    @Option(
            names = "--elements",
            paramLabel = "N",
            description =
                    "Parameters to step, rounded up to whole blocks of 1,024 (default: ${DEFAULT-VALUE}).")
    private int elements = 64 << 20;

    @Option(
            names = "--backend",
            paramLabel = "NAME[,NAME...]",
            split = ",",
            description = "Storage backends to measure (default: the one that a run would take).")
    private List<String> backends = List.of();

    @Option(
            names = "--block",
            paramLabel = "BYTES",
            description = "Bytes of one request, as aio's block_size (default: ${DEFAULT-VALUE}).")
    private int blockBytes = AioSettings.DEFAULT.blockBytes();

    @Option(
            names = "--depth",
            paramLabel = "N",
            description =
                    "Requests under way at once per file, as aio's queue_depth (default: ${DEFAULT-VALUE}).")
    private int depth = AioSettings.DEFAULT.queueDepth();

    @Option(
            names = "--threads",
            paramLabel = "N",
            description =
                    "Threads per file of channel and mapped, as aio's intra_op_parallelism (default: ${DEFAULT-VALUE}).")
    private int threads = AioSettings.DEFAULT.parallelism();

    @Option(
            names = "--chunk",
            paramLabel = "BYTES",
            description =
                    "Bytes of a buffer, over all arrays, as jvm.chunk_bytes (default: ${DEFAULT-VALUE}).")
    private long chunkBytes = PipelineSettings.DEFAULT.chunkBytes();

    @Option(
            names = "--buffers",
            paramLabel = "N",
            description = "Buffers, as buffer_count (default: ${DEFAULT-VALUE}).")
    private int buffers = PipelineSettings.DEFAULT.bufferCount();

    @Option(
            names = "--wait",
            paramLabel = "blocking|yield",
            description = "How the lanes wait, as jvm.pipeline_wait (default: ${DEFAULT-VALUE}).")
    private Wait wait = Wait.blocking;

    @Option(names = "--workers", paramLabel = "N", description = "Worker threads (default: all).")
    private int workers = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description =
                    "How often each is measured; the middle counts (default: ${DEFAULT-VALUE}).")
    private int rounds = 11;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description =
                    "How long it runs before it counts, again and again until the compiler rests; 0 for one round (default: ${DEFAULT-VALUE}).")
    private double warmUpSeconds = 2;

    /** What {@code --wait} says. */
    enum Wait {
        /** Sleeps. */
        blocking(PipelineSettings.Wait.BLOCKING),
        /** Spins and yields. */
        yield(PipelineSettings.Wait.YIELD);

        private final PipelineSettings.Wait how;

        Wait(PipelineSettings.Wait how) {
            this.how = how;
        }
    }

    @Override
    int run() {
        BenchGemmCommand.requireVectors();
        PipelineSettings settings = settings();
        List<StorageProvider> providers = providers();
        List<Object> results = new ArrayList<>();
        int length = Math.ceilDiv(elements, GRANULE) * GRANULE;
        requireSpace(AdamOnChunks.layout(length), settings);
        try (AdamOnChunks adam = new AdamOnChunks(length, workers)) {
            for (StorageProvider provider : providers) {
                results.add(measure(adam, length, provider, settings));
            }
        }
        out().document(Map.of("results", results));
        return Main.OK;
    }

    private PipelineSettings settings() {
        if (elements < 1 || elements > ELEMENTS_MOST || workers < 1 || rounds < 1) {
            throw new UserMistakeException(
                    "--elements is %,d, --workers %d and --rounds %d; all must be at least 1, and --elements at most %,d."
                            .formatted(elements, workers, rounds, ELEMENTS_MOST));
        }
        if (!Files.isDirectory(path)) {
            throw new UserMistakeException(
                    "%s is no directory; make it, or name another one.".formatted(path));
        }
        try {
            return PipelineSettings.DEFAULT
                    .withChunkBytes(chunkBytes)
                    .withBufferCount(buffers)
                    .withWaiting(wait.how)
                    .withAio(
                            AioSettings.DEFAULT
                                    .withBlockBytes(blockBytes)
                                    .withQueueDepth(depth)
                                    .withParallelism(threads));
        } catch (IllegalArgumentException e) {
            throw new UserMistakeException(
                    "--chunk, --buffers, --block, --depth and --threads: " + e.getMessage(), e);
        }
    }

    private List<StorageProvider> providers() {
        if (backends.isEmpty()) {
            return List.of(StorageProviders.best(ModuleLayer.boot(), path).provider());
        }
        return backends.stream()
                .map(name -> StorageProviders.named(ModuleLayer.boot(), name, path).provider())
                .toList();
    }

    private void requireSpace(StateLayout layout, PipelineSettings settings) {
        long needed;
        long usable;
        try {
            needed =
                    StateStores.fileBytes(layout, settings.chunkBytes(), StoreTerms.DEFAULT)
                            + 2 * layout.arrays().size() * layout.elements() * Float.BYTES;
            usable = FileOperations.system().usableBytes(path);
        } catch (IllegalArgumentException e) {
            throw new UserMistakeException("--chunk: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new UserMistakeException(
                    "%s cannot be used: %s. Name a directory that this user can write to."
                            .formatted(path, IoReason.of(e)),
                    e);
        }
        if (usable < needed + RESERVE_BYTES) {
            throw new UserMistakeException(
                    "%s has %,d bytes left and the files take %,d (1 GiB stays free); make --elements smaller, or name another directory."
                            .formatted(path, usable, needed));
        }
    }

    private Map<String, Object> measure(
            AdamOnChunks adam, int length, StorageProvider provider, PipelineSettings settings) {
        try (RankMemory memory = new RankMemory(HostMemories.best(ModuleLayer.boot()));
                OffloadedStep step = new OffloadedStep(adam, memory, path, provider, settings)) {
            List<OffloadedStep.Chunk> chunks = step.chunks();
            ChunkArithmetic arithmetic = new ChunkArithmetic(adam, memory, chunks, buffers);
            var shape =
                    new ChunkTransfers.Shape(
                            chunks.stream().map(chunk -> chunk.length() * Float.BYTES).toList(),
                            adam.layout().arrays().size(),
                            buffers);
            var files = new StorageSettings(buffers, settings.stuckAfter(), settings.aio());
            try (ChunkTransfers transfers =
                    new ChunkTransfers(path, provider, files, memory, shape)) {
                OffloadTimes times = new OffloadTimes(step, transfers, arithmetic, rounds);
                times.measure(warmUpSeconds);
                return report(provider.name(), length, chunks.size(), times);
            }
        }
    }

    private Map<String, Object> report(String backend, int length, int chunks, OffloadTimes times) {
        long read = times.moved().readBytes() / times.rounds();
        long written = times.moved().writtenBytes() / times.rounds();
        double readRate = rate(read, times, OffloadTimes.Work.STEP);
        double writeRate = rate(written, times, OffloadTimes.Work.STEP);
        double bothRate = rate(read + written, times, OffloadTimes.Work.TRANSFERS);
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("backend", backend);
        entry.put("elements", length);
        entry.put("chunks", chunks);
        entry.put("buffers", Math.min(buffers, chunks));
        entry.put("workers", workers);
        entry.put("rounds", times.rounds());
        entry.put("read_bytes", read);
        entry.put("written_bytes", written);
        for (OffloadTimes.Work work : OffloadTimes.Work.values()) {
            entry.put(work.key(), times.seconds(work));
        }
        entry.put("read_gigabytes_per_second", readRate);
        entry.put("write_gigabytes_per_second", writeRate);
        entry.put("transfers_gigabytes_per_second", bothRate);
        entry.put("checksum_share", times.share(OffloadTimes.Work.CHECKSUMS));
        entry.put("overlap", times.overlap());
        entry.put("stall_share", times.stallShare());
        entry.put("ratio", times.ratio());
        entry.put("ratio_asked", ASKED);
        entry.put("ratio_least", times.ratios()[0]);
        entry.put("ratio_most", times.ratios()[times.rounds() - 1]);
        entry.put("ratio_to_together", times.ratioToTogether());
        entry.put("durable_ratio", times.durableRatio());
        line(
                "%-9s %,d parameters in %d chunks, %d buffers, %d workers, %d rounds",
                backend, length, chunks, Math.min(buffers, chunks), workers, times.rounds());
        line(
                "  step              %7.3f s  read %.2f GB/s, written %.2f GB/s; overlap %.2f, stalled %.2f of it",
                times.seconds(OffloadTimes.Work.STEP),
                readRate,
                writeRate,
                times.overlap(),
                times.stallShare());
        line(
                "  transfers alone   %7.3f s  read and written %.2f GB/s",
                times.seconds(OffloadTimes.Work.TRANSFERS), bothRate);
        print(times);
        return entry;
    }

    private static double rate(long bytes, OffloadTimes times, OffloadTimes.Work work) {
        return bytes / times.seconds(work) / GIGA;
    }

    private void print(OffloadTimes times) {
        line(
                "  arithmetic alone  %7.3f s  of which without checksums %.3f s, checksums alone %.3f s (%.2f of the step)",
                times.seconds(OffloadTimes.Work.ARITHMETIC),
                times.seconds(OffloadTimes.Work.UNCHECKED),
                times.seconds(OffloadTimes.Work.CHECKSUMS),
                times.share(OffloadTimes.Work.CHECKSUMS));
        line(
                "  ratio             %7.2f    step to the longer of the two (asked: at most %.2f; rounds %.2f to %.2f)",
                times.ratio(), ASKED, times.ratios()[0], times.ratios()[times.rounds() - 1]);
        line(
                "  both at once      %7.3f s  not waiting for each other; the step takes %.2f of it",
                times.seconds(OffloadTimes.Work.TOGETHER), times.ratioToTogether());
        line(
                "  with commit       %7.3f s  transfers with sync %.3f s, ratio %.2f",
                times.seconds(OffloadTimes.Work.STEP) + times.seconds(OffloadTimes.Work.COMMIT),
                times.seconds(OffloadTimes.Work.TRANSFERS) + times.seconds(OffloadTimes.Work.SYNC),
                times.durableRatio());
    }

    private void line(String format, Object... values) {
        out().result(String.format(Locale.ROOT, format, values));
    }
}
