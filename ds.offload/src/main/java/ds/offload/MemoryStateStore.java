package ds.offload;

import ds.core.Device;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import java.util.List;
import java.util.Optional;

/** Arrays in host memory, stepped in place or fed to the device chunk by chunk. */
final class MemoryStateStore implements StateStore {
    private static final String MASTER = "master";

    private final StateLayout layout;
    private final ChunkPlan plan;
    private final Feed feed;
    private final List<FlatBuffer> arrays;

    MemoryStateStore(
            StateLayout layout, RankMemory memory, Device device, boolean pinned, long chunkBytes) {
        this.layout = layout;
        this.plan = ChunkPlan.of(layout, chunkBytes);
        long sizeBytes = layout.type().bytesOf(layout.elements());
        this.arrays =
                layout.arrays().stream()
                        .map(
                                name ->
                                        FlatBuffer.of(
                                                memory.allocateBytes(kind(name), sizeBytes, pinned),
                                                layout.type()))
                        .toList();
        this.feed = Feed.to(device, arrays.size(), plan.longest());
    }

    private static MemoryKind kind(String array) {
        return array.equals(MASTER) ? MemoryKind.MASTERS : MemoryKind.OPTIMIZER_STATES;
    }

    @Override
    public void step(Resident resident, ChunkStep step) {
        boolean done = false;
        try {
            for (ChunkPlan.Chunk chunk : plan.chunks()) {
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
        return arrays.stream().map(array -> array.slice(chunk.first(), chunk.length())).toList();
    }

    @Override
    public void read(int array, long firstElement, FlatBuffer into) {
        into.copyFrom(arrays.get(array).slice(firstElement, into.lengthElements()));
    }

    @Override
    public void write(int array, long firstElement, FlatBuffer from) {
        arrays.get(array).slice(firstElement, from.lengthElements()).copyFrom(from);
    }

    @Override
    public Optional<FlatBuffer> view(int array, long firstElement, long length) {
        return Optional.of(arrays.get(array).slice(firstElement, length));
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
