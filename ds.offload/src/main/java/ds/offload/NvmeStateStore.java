package ds.offload;

import ds.core.DType;
import ds.core.Device;
import ds.core.FlatBuffer;
import ds.core.RankMemory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Arrays in files, of which a few chunks are in memory at a time. Written in place: after a failure
 * in the middle of a step some chunks are new and some old, so the store refuses all further use.
 */
final class NvmeStateStore implements StateStore {
    private static final long FP32 = DType.FP32.sizeBytes();

    private final StateLayout layout;
    private final ChunkPlan plan;
    private final List<ExtentFile> files;
    private final List<Staging> stagings;
    private final Feed feed;
    private final Pipeline pipeline;
    private final int depth;
    private boolean closed;

    /** Null until a step or a transfer failed. */
    private @Nullable Throwable broken;

    static NvmeStateStore create(
            StateLayout layout,
            RankMemory memory,
            Device device,
            StoreDirectory directory,
            PipelineSettings settings) {
        if (layout.type() != DType.FP32) {
            throw new IllegalArgumentException(
                    "A store on NVMe keeps fp32, was asked for %s."
                            .formatted(layout.type().jsonName()));
        }
        ChunkPlan plan = ChunkPlan.of(layout, settings.chunkBytes());
        List<ExtentFile.Shape> shapes = shapes(layout, plan.blockBytes());
        directory.requireSpace(fileBytes(layout));
        int slots = Math.max(1, Math.min(settings.bufferCount(), plan.chunks().size()));
        long areaBytes = Math.max(ExtentFile.padded(1), plan.longest() * FP32);
        List<Staging> stagings =
                Stream.generate(() -> Staging.allocate(memory, shapes.size(), areaBytes))
                        .limit(slots)
                        .toList();
        Feed feed = Feed.to(device, shapes.size(), plan.longest()); // may fail, so before the files
        List<ExtentFile> files = createFiles(directory, shapes, stagings, settings.stuckAfter());
        return new NvmeStateStore(
                layout,
                plan,
                files,
                stagings,
                feed,
                new Pipeline(
                        "ds-r%d-io".formatted(directory.location().rank()),
                        files,
                        plan.chunks(),
                        stagings,
                        settings.waiting()));
    }

    static long fileBytes(StateLayout layout) {
        return layout.arrays().size() * ExtentFile.fileBytes(extents(layout));
    }

    private static List<Long> extents(StateLayout layout) {
        return layout.runLengths().stream().map(length -> length * FP32).toList();
    }

    private static List<ExtentFile.Shape> shapes(StateLayout layout, int blockBytes) {
        List<Long> extents = extents(layout);
        List<ExtentFile.Shape> shapes = new ArrayList<>();
        for (String array : layout.arrays()) {
            shapes.add(new ExtentFile.Shape(array, shapes.size(), extents, blockBytes));
        }
        return shapes;
    }

    private static List<ExtentFile> createFiles(
            StoreDirectory directory,
            List<ExtentFile.Shape> shapes,
            List<Staging> stagings,
            Duration stuckAfter) {
        long storeId = ThreadLocalRandom.current().nextLong();
        List<ExtentFile> files = new ArrayList<>();
        boolean whole = false;
        try {
            for (ExtentFile.Shape shape : shapes) {
                files.add(
                        ExtentFile.create(
                                directory,
                                shape,
                                storeId,
                                stagings.getFirst(),
                                stagings.size(),
                                stuckAfter));
            }
            whole = true;
        } finally {
            if (!whole) {
                files.forEach(ExtentFile::close);
            }
        }
        return List.copyOf(files);
    }

    private NvmeStateStore(
            StateLayout layout,
            ChunkPlan plan,
            List<ExtentFile> files,
            List<Staging> stagings,
            Feed feed,
            Pipeline pipeline) {
        this.layout = layout;
        this.plan = plan;
        this.files = files;
        this.stagings = stagings;
        this.feed = feed;
        this.pipeline = pipeline;
        this.depth = Math.min(feed.depth(), stagings.size());
    }

    @Override
    public void step(Resident resident, ChunkStep step) {
        requireUsable();
        guarded(() -> stepAll(resident, step));
    }

    private void stepAll(Resident resident, ChunkStep step) {
        int chunks = plan.chunks().size();
        if (chunks == 0) {
            return;
        }
        long base = pipeline.begin();
        int begun = 0;
        for (int ended = 0; ended < chunks; ) {
            if (begun < chunks && feed.underWay() < depth) {
                begin(base + begun, resident, step);
                begun++;
            } else {
                feed.finish();
                seal(base + ended);
                pipeline.giveBack(base + ended);
                ended++;
            }
        }
        pipeline.awaitWritten(base + chunks - 1);
    }

    private void begin(long sequence, Resident resident, ChunkStep step) {
        Staging staging = pipeline.take(sequence).staging();
        ChunkPlan.Chunk chunk = pipeline.chunk(sequence);
        List<FlatBuffer> stored = new ArrayList<>(files.size());
        for (int i = 0; i < files.size(); i++) {
            files.get(i)
                    .verify(
                            chunk.run(),
                            chunk.offsetInRun(),
                            staging.bytes().get(i),
                            chunk.sizeBytes());
            stored.add(
                    new FlatBuffer(
                            staging.areas().get(i).asSlice(0, chunk.sizeBytes()),
                            DType.FP32,
                            chunk.length()));
        }
        feed.begin(chunk, List.copyOf(stored), resident, step);
    }

    private void seal(long sequence) {
        Staging staging = pipeline.take(sequence).staging();
        ChunkPlan.Chunk chunk = pipeline.chunk(sequence);
        for (int i = 0; i < files.size(); i++) {
            files.get(i)
                    .seal(
                            chunk.run(),
                            chunk.offsetInRun(),
                            staging.bytes().get(i),
                            chunk.sizeBytes());
        }
    }

    @Override
    public void read(int array, long firstElement, FlatBuffer into) {
        requireUsable();
        check(array, firstElement, into);
        guarded(
                () ->
                        files.get(array)
                                .read(firstElement * FP32, into.segment(), stagings.getFirst()));
    }

    @Override
    public void write(int array, long firstElement, FlatBuffer from) {
        requireUsable();
        check(array, firstElement, from);
        guarded(
                () ->
                        files.get(array)
                                .write(firstElement * FP32, from.segment(), stagings.getFirst()));
    }

    private void check(int array, long firstElement, FlatBuffer buffer) {
        Objects.checkIndex(array, files.size());
        Objects.checkFromIndexSize(firstElement, buffer.lengthElements(), layout.elements());
        if (buffer.type() != DType.FP32) {
            throw new IllegalArgumentException(
                    "State arrays are fp32, the buffer is %s.".formatted(buffer.type().jsonName()));
        }
    }

    /** Runs something that leaves the store unusable if it fails. */
    private void guarded(Runnable work) {
        boolean done = false;
        try {
            work.run();
            done = true;
        } catch (StorageException e) {
            broken = e;
            throw e;
        } finally {
            if (!done) {
                broken = broken == null ? new IllegalStateException("the step failed") : broken;
                feed.abandon();
            }
        }
    }

    private void requireUsable() {
        if (closed) {
            throw new IllegalStateException("The offload store is closed.");
        }
        if (broken != null) {
            throw new StorageException(
                    "The offload store cannot be used any more, since an earlier operation failed: %s"
                            .formatted(broken.getMessage()),
                    broken);
        }
    }

    @Override
    public StateLayout layout() {
        return layout;
    }

    @Override
    public long storedBytes() {
        return files.stream().mapToLong(ExtentFile::fileBytes).sum();
    }

    @Override
    public long stallNanos() {
        return pipeline.stallNanos();
    }

    /** Ends the I/O lane and deletes the files. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        pipeline.close();
        files.forEach(ExtentFile::close);
    }
}
