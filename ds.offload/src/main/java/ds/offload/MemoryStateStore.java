package ds.offload;

import ds.core.Device;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/** Arrays in host memory, stepped in place or fed to the device chunk by chunk. */
final class MemoryStateStore implements StateStore {
    private static final String MASTER = "master";
    private static final long COPIED_ELEMENTS = 1 << 16;

    private final StateLayout layout;
    private final ChunkPlan plan;
    private final Feed feed;

    /** The bytes at rest: elements in the layout's type, or granules. */
    private final List<MemorySegment> arrays;

    private final Optional<EncodedArrays> encoded;
    private final MemoryBytes bytes = new MemoryBytes();

    MemoryStateStore(
            StateLayout layout, RankMemory memory, Device device, boolean pinned, long chunkBytes) {
        this.layout = layout;
        this.plan = ChunkPlan.of(layout, chunkBytes);
        List<EncodedBlocks> blocks =
                layout.coding().forms(layout.arrays().size()).stream()
                        .map(form -> EncodedBlocks.inMemory(form.granuleBytes()))
                        .toList();
        this.arrays =
                IntStream.range(0, blocks.size())
                        .mapToObj(
                                i ->
                                        memory.allocateBytes(
                                                kind(layout.arrays().get(i)),
                                                sizeBytes(i, blocks.get(i)),
                                                pinned))
                        .toList();
        this.encoded =
                layout.coding().isEncoded()
                        ? Optional.of(
                                new EncodedArrays(
                                        layout.coding(),
                                        blocks,
                                        memory,
                                        plan.longest(),
                                        COPIED_ELEMENTS))
                        : Optional.empty();
        this.feed = Feed.to(device, arrays.size(), plan.longest());
    }

    /** Returns the bytes of memory beside the arrays. */
    static long stagingBytes(StateLayout layout, long chunkBytes) {
        return EncodedArrays.memoryBytes(
                layout.coding(),
                layout.arrays().size(),
                ChunkPlan.of(layout, chunkBytes).longest(),
                COPIED_ELEMENTS);
    }

    private long sizeBytes(int array, EncodedBlocks blocks) {
        return isEncoded(array)
                ? blocks.bytesOf(layout.elements(array))
                : layout.type().bytesOf(layout.elements(array));
    }

    private boolean isEncoded(int array) {
        return layout.coding().form(array).isEncoded();
    }

    /** Returns what memory an array takes. */
    static MemoryKind kind(String array) {
        return array.equals(MASTER) ? MemoryKind.MASTERS : MemoryKind.OPTIMIZER_STATES;
    }

    @Override
    public void step(Resident resident, ChunkStep step, Spread spread) {
        boolean done = false;
        try {
            for (ChunkPlan.Chunk chunk : plan.chunks()) {
                if (encoded.isPresent()) {
                    encoded.get().step(chunk, areas(chunk), feed, resident, step);
                    continue;
                }
                if (feed.underWay() == feed.depth()) {
                    feed.finish();
                }
                feed.begin(chunk, views(chunk), resident, step);
            }
            while (feed.underWay() > 0) {
                feed.finish();
            }
            done = true;
        } finally {
            if (!done) {
                feed.abandon();
            }
        }
    }

    private List<FlatBuffer> views(ChunkPlan.Chunk chunk) {
        return IntStream.range(0, arrays.size())
                .mapToObj(array -> plain(array, chunk.first(), chunk.length()))
                .toList();
    }

    private FlatBuffer plain(int array, long firstElement, long length) {
        return FlatBuffer.of(arrays.get(array), layout.type())
                .slice(layout.offset(array, firstElement, length), length);
    }

    private List<MemorySegment> areas(ChunkPlan.Chunk chunk) {
        return IntStream.range(0, arrays.size())
                .mapToObj(
                        array ->
                                bytes.of(
                                        array,
                                        layout.offset(array, chunk.first(), chunk.length()),
                                        chunk.length()))
                .toList();
    }

    /** The encoded bytes, granule after granule. */
    private final class MemoryBytes implements EncodedArrays.Bytes {
        MemorySegment of(int array, long firstElement, long length) {
            var blocks = EncodedBlocks.inMemory(layout.coding().form(array).granuleBytes());
            return arrays.get(array)
                    .asSlice(blocks.offset(firstElement), blocks.packedBytes(length));
        }

        @Override
        public long together(int array, long firstElement, long wanted) {
            return wanted;
        }

        @Override
        public void read(int array, long firstElement, MemorySegment into) {
            into.copyFrom(at(array, firstElement, into));
        }

        @Override
        public void write(int array, long firstElement, MemorySegment from) {
            at(array, firstElement, from).copyFrom(from);
        }

        private MemorySegment at(int array, long firstElement, MemorySegment other) {
            var blocks = EncodedBlocks.inMemory(layout.coding().form(array).granuleBytes());
            return arrays.get(array).asSlice(blocks.offset(firstElement), other.byteSize());
        }
    }

    @Override
    public void read(int array, long firstElement, FlatBuffer into) {
        if (isEncoded(array)) {
            encoded.orElseThrow().read(bytes, array, offset(array, firstElement, into), into);
        } else {
            into.copyFrom(plain(array, firstElement, into.lengthElements()));
        }
    }

    @Override
    public void write(int array, long firstElement, FlatBuffer from) {
        if (isEncoded(array)) {
            encoded.orElseThrow().write(bytes, array, offset(array, firstElement, from), from);
        } else {
            plain(array, firstElement, from.lengthElements()).copyFrom(from);
        }
    }

    private long offset(int array, long firstElement, FlatBuffer buffer) {
        long first = layout.offset(array, firstElement, buffer.lengthElements());
        return Objects.checkFromIndexSize(first, buffer.lengthElements(), layout.elements(array));
    }

    @Override
    public Optional<FlatBuffer> view(int array, long firstElement, long length) {
        return encoded.isPresent()
                ? Optional.empty()
                : Optional.of(plain(array, firstElement, length));
    }

    @Override
    public StateLayout layout() {
        return layout;
    }

    @Override
    public long storedBytes() {
        return 0;
    }

    @Override
    public long stallNanos() {
        return 0;
    }

    /** Leaves the arrays to the rank's memory, which owns them. */
    @Override
    public void close() {}
}
