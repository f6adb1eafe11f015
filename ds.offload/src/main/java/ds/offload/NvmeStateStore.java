package ds.offload;

import ds.core.DType;
import ds.core.Device;
import ds.core.FlatBuffer;
import ds.core.RankMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Arrays in files, of which a few chunks are in memory at a time. After a failure in the middle of a
 * step some chunks are new and some old, so the store refuses all further use.
 */
final class NvmeStateStore implements StateStore {
    private static final long FP32 = DType.FP32.sizeBytes();

    private final Parts parts;
    private final List<ExtentFile> files;
    private final List<ArrayFile> arrays;
    private final Pipeline pipeline;
    private final int depth;
    private final RestingBytes bytes = new RestingBytes();
    private boolean closed;

    /** Null until a step or a transfer failed. */
    private @Nullable Throwable broken;

    /**
     * What a store needs beside its files; all that may fail or takes memory.
     *
     * @param shape the files
     * @param plan how a step goes through them
     * @param resident what stays in memory
     * @param stagings the slots of the pipeline
     * @param feed how chunks get to the device
     * @param encoded what steps and copies encoded arrays; empty if none is
     * @param settings of the pipeline
     * @param reserved whether the space of new files is only reserved
     */
    record Parts(
            StoreShape shape,
            ChunkPlan plan,
            ResidentChunks resident,
            List<Staging> stagings,
            Feed feed,
            Optional<EncodedArrays> encoded,
            PipelineSettings settings,
            boolean reserved) {
        static Parts of(
                StateLayout layout,
                StoreTerms terms,
                RankMemory memory,
                Device device,
                PipelineSettings settings) {
            if (layout.type() != DType.FP32) {
                throw new IllegalArgumentException(
                        "A store on NVMe keeps fp32, was asked for %s."
                                .formatted(layout.type().jsonName()));
            }
            Sizes sizes = Sizes.of(layout, terms, settings);
            boolean pinned = settings.slots().pinned();
            List<Staging> stagings =
                    Stream.generate(() -> Staging.allocate(memory, sizes.areas(), pinned))
                            .limit(sizes.buffers())
                            .toList();
            ChunkPlan plan = sizes.plan();
            return new Parts(
                    sizes.shape(),
                    plan,
                    new ResidentChunks(plan, layout, sizes.blocks(), memory, pinned),
                    stagings,
                    Feed.to(device, layout.arrays().size(), plan.longest()),
                    encoded(layout.coding(), sizes, memory),
                    settings,
                    terms.reserved());
        }

        private static Optional<EncodedArrays> encoded(
                StateCoding coding, Sizes sizes, RankMemory memory) {
            return coding.isEncoded()
                    ? Optional.of(
                            new EncodedArrays(
                                    coding,
                                    sizes.blocks(),
                                    memory,
                                    sizes.longest(),
                                    sizes.plan().blockBytes() / FP32))
                    : Optional.empty();
        }
    }

    /**
     * What a store takes of memory, before it is taken.
     *
     * @param longest elements of the longest chunk, or block of what is not chunked
     * @param blocks how the elements of each array lie
     * @param areas bytes of a slot of the pipeline, by array
     * @param buffers slots
     */
    private record Sizes(
            ChunkPlan plan,
            StoreShape shape,
            long longest,
            List<EncodedBlocks> blocks,
            List<Long> areas,
            int buffers) {
        static Sizes of(StateLayout layout, StoreTerms terms, PipelineSettings settings) {
            ChunkPlan plan = ChunkPlan.of(layout, settings.chunkBytes(), terms.share());
            StoreShape shape = new StoreShape(layout, plan.blockBytes(), terms.generations());
            long longest = Math.max(plan.longest(), wholeBlock(layout, plan));
            List<EncodedBlocks> blocks =
                    IntStream.range(0, layout.arrays().size()).mapToObj(shape::blocks).toList();
            List<Long> areas =
                    blocks.stream()
                            .map(each -> each.bytesOf(longest))
                            .map(bytes -> ExtentFile.padded(Math.max(1, bytes)))
                            .toList();
            return new Sizes(
                    plan,
                    shape,
                    longest,
                    blocks,
                    areas,
                    Math.max(1, Math.min(settings.slots().used(), plan.stored().size())));
        }

        /** Returns the bytes of all slots. */
        long slotBytes() {
            return buffers * areas.stream().mapToLong(Long::longValue).sum();
        }

        /** Returns the elements of the longest block of what is not chunked: copies need its room. */
        private static long wholeBlock(StateLayout layout, ChunkPlan plan) {
            return layout.wholes().keySet().stream()
                    .mapToLong(layout.runLengths()::get)
                    .map(length -> Math.min(length, plan.blockBytes() / FP32))
                    .max()
                    .orElse(0);
        }
    }

    /** Returns the bytes of memory that {@link Parts#of} takes beside what stays there. */
    static long stagingBytes(StateLayout layout, StoreTerms terms, PipelineSettings settings) {
        Sizes sizes = Sizes.of(layout, terms, settings);
        return sizes.slotBytes()
                + EncodedArrays.memoryBytes(
                        layout.coding(),
                        layout.arrays().size(),
                        sizes.longest(),
                        sizes.plan().blockBytes() / FP32);
    }

    /** Returns the bytes of the pipeline's slots. */
    static long slotBytes(StateLayout layout, StoreTerms terms, PipelineSettings settings) {
        return Sizes.of(layout, terms, settings).slotBytes();
    }

    /** Creates a store that is written in place and deleted when it is closed. */
    static NvmeStateStore inPlace(Parts parts, StoreDirectory directory) {
        directory.requireSpace(parts.shape().fileSizes(), 0);
        return new NvmeStateStore(
                parts,
                createFiles(parts, directory, ThreadLocalRandom.current().nextLong(), false),
                directory);
    }

    /** Returns a store over open files, which it closes. */
    static NvmeStateStore over(Parts parts, List<ExtentFile> files, StoreDirectory directory) {
        return new NvmeStateStore(parts, files, directory);
    }

    /** Creates all files, or none. */
    static List<ExtentFile> createFiles(
            Parts parts, StoreDirectory directory, long storeId, boolean durable) {
        List<ExtentFile> files = new ArrayList<>();
        boolean whole = false;
        try {
            for (ExtentFile.Shape shape : parts.shape().files()) {
                files.add(
                        ExtentFile.create(
                                directory,
                                shape,
                                storeId,
                                parts.stagings().getFirst(),
                                parts.settings().storage(),
                                new Preallocation(durable, parts.reserved())));
            }
            whole = true;
        } finally {
            if (!whole) {
                files.forEach(ExtentFile::close);
                files.forEach(ExtentFile::delete);
            }
        }
        return List.copyOf(files);
    }

    private NvmeStateStore(Parts parts, List<ExtentFile> files, StoreDirectory directory) {
        this.parts = parts;
        this.files = files;
        this.arrays =
                IntStream.range(0, parts.shape().layout().arrays().size())
                        .mapToObj(i -> new ArrayFile(files.get(i), parts.shape().blocks(i)))
                        .toList();
        this.pipeline =
                new Pipeline(
                        "ds-r%d-io".formatted(directory.location().rank()),
                        arrays,
                        parts.plan().stored(),
                        parts.stagings(),
                        parts.settings());
        this.depth =
                parts.settings().slots().overlaps()
                        ? Math.min(parts.feed().depth(), parts.stagings().size())
                        : 1;
    }

    List<ExtentFile> files() {
        return files;
    }

    @Override
    public void step(Resident resident, ChunkStep step, Spread spread) {
        requireUsable();
        guarded(() -> stepAll(resident, step, spread));
    }

    private void stepAll(Resident beside, ChunkStep step, Spread spread) {
        // A step that runs elsewhere meanwhile has the workers.
        Pass pass = new Pass(parts.feed().stepsHere() ? spread : Spread.ALONE);
        if (parts.encoded().isPresent()) {
            stepEncoded(parts.encoded().get(), pass, beside, step);
        } else {
            stepPlain(pass, beside, step);
        }
        pass.end();
    }

    private void stepEncoded(EncodedArrays encoded, Pass pass, Resident beside, ChunkStep step) {
        for (ChunkPlan.Chunk chunk : parts.plan().chunks()) {
            encoded.step(chunk, pass.open(chunk).areas(), parts.feed(), beside, step);
            pass.close(chunk);
        }
    }

    private void stepPlain(Pass pass, Resident beside, ChunkStep step) {
        List<ChunkPlan.Chunk> chunks = parts.plan().chunks();
        int begun = 0;
        for (int ended = 0; ended < chunks.size(); ) {
            if (begun < chunks.size() && parts.feed().underWay() < depth) {
                ChunkPlan.Chunk chunk = chunks.get(begun++);
                begin(chunk, pass.open(chunk).areas(), beside, step);
            } else {
                parts.feed().finish();
                pass.close(chunks.get(ended++));
            }
        }
    }

    private void begin(
            ChunkPlan.Chunk chunk, List<MemorySegment> areas, Resident beside, ChunkStep step) {
        List<FlatBuffer> stored = new ArrayList<>(areas.size());
        for (MemorySegment area : areas) {
            stored.add(
                    new FlatBuffer(
                            area.asSlice(0, chunk.length() * FP32), DType.FP32, chunk.length()));
        }
        parts.feed().begin(chunk, List.copyOf(stored), beside, step);
    }

    /** One step's way through the chunks: those in files by way of the pipeline's slots. */
    private final class Pass {
        private long opened = pipeline.begin();
        private long closed = opened;
        private final ChunkChecksums checksums;

        Pass(Spread spread) {
            this.checksums = new ChunkChecksums(arrays, spread);
        }

        /** Returns where the next chunk is. */
        Staging open(ChunkPlan.Chunk chunk) {
            Optional<Staging> resident = parts.resident().at(chunk);
            if (resident.isPresent()) {
                return resident.get();
            }
            Staging staging = pipeline.take(opened++).staging();
            checksums.verify(chunk, staging);
            return staging;
        }

        /** Says that the oldest open chunk was stepped. */
        void close(ChunkPlan.Chunk chunk) {
            if (parts.resident().at(chunk).isPresent()) {
                parts.resident().changed(chunk);
                return;
            }
            Staging staging = pipeline.take(closed).staging();
            checksums.seal(chunk, staging);
            pipeline.giveBack(closed++);
        }

        /** Waits until everything is written. */
        void end() {
            pipeline.awaitWritten(closed - 1);
        }
    }

    /** Reads what stays in memory, from files that were reopened. */
    void loadResident() {
        guarded(() -> parts.resident().load(arrays));
    }

    /** Takes the checksums of what changed in memory, which {@link #writeResident} comes for. */
    void sealResident() {
        parts.resident().seal(arrays);
    }

    /** Writes what changed in memory, on the commit's lane. */
    void writeResident() {
        parts.resident().write(arrays, parts.stagings().size());
    }

    @Override
    public void read(int array, long firstElement, FlatBuffer into) {
        requireUsable();
        long first = offset(array, firstElement, into);
        guarded(
                () -> {
                    if (layout().coding().form(array).isEncoded()) {
                        parts.encoded().orElseThrow().read(bytes, array, first, into);
                    } else {
                        bytes.readBytes(array, first * FP32, into.segment());
                    }
                });
    }

    @Override
    public void write(int array, long firstElement, FlatBuffer from) {
        requireUsable();
        long first = offset(array, firstElement, from);
        guarded(
                () -> {
                    if (layout().coding().form(array).isEncoded()) {
                        parts.encoded().orElseThrow().write(bytes, array, first, from);
                    } else {
                        bytes.writeBytes(array, first * FP32, from.segment());
                    }
                });
    }

    private long offset(int array, long firstElement, FlatBuffer buffer) {
        Objects.checkIndex(array, files.size());
        if (buffer.type() != DType.FP32) {
            throw new IllegalArgumentException(
                    "State arrays are fp32, the buffer is %s.".formatted(buffer.type().jsonName()));
        }
        long first = layout().offset(array, firstElement, buffer.lengthElements());
        return Objects.checkFromIndexSize(first, buffer.lengthElements(), layout().elements(array));
    }

    /** Bytes of the arrays, in the files and in memory. */
    private final class RestingBytes implements EncodedArrays.Bytes {
        /** Where a granule of an element is: in which run, and how far into it. */
        private record Place(int run, long inRun) {}

        private Place place(int array, long element) {
            long inRun = element;
            List<Long> lengths = layout().runLengths(array);
            for (int run = 0; run < lengths.size(); run++) {
                if (inRun < lengths.get(run)) {
                    return new Place(run, inRun);
                }
                inRun -= lengths.get(run);
            }
            throw new IndexOutOfBoundsException("There is no element %,d.".formatted(element));
        }

        @Override
        public long together(int array, long firstElement, long wanted) {
            Place place = place(array, firstElement);
            long left = layout().runLengths().get(place.run()) - place.inRun();
            long inBlock =
                    arrays.get(array).blocks().blockElements()
                            - place.inRun() % arrays.get(array).blocks().blockElements();
            return Math.min(Math.min(wanted, left), inBlock);
        }

        private long firstByte(int array, long firstElement) {
            Place place = place(array, firstElement);
            EncodedBlocks blocks = arrays.get(array).blocks();
            long before = 0;
            for (int run = 0; run < place.run(); run++) {
                before += blocks.bytesOf(layout().runLengths(array).get(run));
            }
            return before + blocks.offset(place.inRun());
        }

        @Override
        public void read(int array, long firstElement, MemorySegment into) {
            readBytes(array, firstByte(array, firstElement), into);
        }

        @Override
        public void write(int array, long firstElement, MemorySegment from) {
            writeBytes(array, firstByte(array, firstElement), from);
        }

        void readBytes(int array, long firstByte, MemorySegment into) {
            for (long done = 0; done < into.byteSize(); ) {
                long at = firstByte + done;
                var part = parts.resident().part(array, at, into.byteSize() - done);
                MemorySegment piece = into.asSlice(done, part.sizeBytes());
                if (part.memory().isPresent()) {
                    piece.copyFrom(part.memory().get());
                } else {
                    files.get(array).read(at, piece, parts.stagings().getFirst());
                }
                done += part.sizeBytes();
            }
        }

        void writeBytes(int array, long firstByte, MemorySegment from) {
            for (long done = 0; done < from.byteSize(); ) {
                long at = firstByte + done;
                var part = parts.resident().part(array, at, from.byteSize() - done);
                MemorySegment piece = from.asSlice(done, part.sizeBytes());
                if (part.memory().isPresent()) {
                    part.memory().get().copyFrom(piece);
                    parts.resident().changed(array, at);
                } else {
                    files.get(array).write(at, piece, parts.stagings().getFirst());
                }
                done += part.sizeBytes();
            }
        }
    }

    /** Runs something that leaves the store unusable if it fails. */
    void guarded(Runnable work) {
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
                parts.feed().abandon();
            }
        }
    }

    void requireUsable() {
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
        return parts.shape().layout();
    }

    @Override
    public long storedBytes() {
        return files.stream().mapToLong(ExtentFile::fileBytes).sum();
    }

    @Override
    public long stallNanos() {
        return pipeline.stallNanos();
    }

    @Override
    public Transfers transfers() {
        return files.stream()
                .map(ExtentFile::transfers)
                .reduce(
                        new Transfers(0, 0, pipeline.busyNanos(), pipeline.stallNanos()),
                        Transfers::plus);
    }

    /** Ends the I/O lane and closes the files; deletes them if they are written in place. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        pipeline.close();
        files.forEach(ExtentFile::close);
        if (parts.shape().slots() == 1) {
            files.forEach(ExtentFile::delete);
        }
    }
}
