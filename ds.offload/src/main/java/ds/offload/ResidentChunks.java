package ds.offload;

import ds.core.DsException;
import ds.core.Pending;
import ds.core.RankMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Chunks that stay in memory from step to step, as they lie in the files; written there when the
 * store commits, if they changed, so that the files are always complete. Owned by the rank's thread;
 * while a commit is under way, by its lane.
 */
final class ResidentChunks {
    private final StateLayout layout;
    private final List<EncodedBlocks> blocks;
    private final Map<ChunkPlan.Chunk, Staging> home = new LinkedHashMap<>();
    private final Set<ChunkPlan.Chunk> changed = new LinkedHashSet<>();

    /** For each array, the chunks by the first byte of their payload. */
    private final List<TreeMap<Long, ChunkPlan.Chunk>> byFirstByte = new ArrayList<>();

    /**
     * Allocates the chunks that {@code plan} keeps in memory, zeroed, as new files are.
     *
     * @param pinned whether to lock their pages in memory
     */
    ResidentChunks(
            ChunkPlan plan,
            StateLayout layout,
            List<EncodedBlocks> blocks,
            RankMemory memory,
            boolean pinned) {
        this.layout = layout;
        this.blocks = List.copyOf(blocks);
        List<ChunkPlan.Chunk> chunks = plan.resident();
        List<List<MemorySegment>> areas = new ArrayList<>();
        for (int array = 0; array < blocks.size(); array++) {
            long sizeBytes = 0;
            for (ChunkPlan.Chunk chunk : chunks) {
                sizeBytes += sizeBytes(array, chunk);
            }
            MemorySegment slab =
                    memory.allocateBytes(
                            MemoryStateStore.kind(layout.arrays().get(array)), sizeBytes, pinned);
            TreeMap<Long, ChunkPlan.Chunk> places = new TreeMap<>();
            List<MemorySegment> slices = new ArrayList<>();
            long at = 0;
            for (ChunkPlan.Chunk chunk : chunks) {
                long size = sizeBytes(array, chunk);
                slices.add(slab.asSlice(at, size));
                if (size > 0) {
                    places.put(firstByte(array, chunk), chunk);
                }
                at += size;
            }
            areas.add(slices);
            byFirstByte.add(places);
        }
        for (int i = 0; i < chunks.size(); i++) {
            int index = i;
            home.put(
                    chunks.get(i),
                    Staging.of(areas.stream().map(slices -> slices.get(index)).toList()));
        }
    }

    /** Returns the bytes that an array has of a chunk: none, where it lacks the run. */
    private long sizeBytes(int array, ChunkPlan.Chunk chunk) {
        return layout.has(array, chunk.run())
                ? ExtentFile.padded(blocks.get(array).bytesOf(chunk.length()))
                : 0;
    }

    private long firstByte(int array, ChunkPlan.Chunk chunk) {
        EncodedBlocks form = blocks.get(array);
        long before =
                layout.runLengths(array).subList(0, chunk.run()).stream()
                        .mapToLong(form::bytesOf)
                        .sum();
        return before + form.offset(chunk.firstInRun());
    }

    /** Returns where a chunk rests, if it is one of these. */
    Optional<Staging> at(ChunkPlan.Chunk chunk) {
        return Optional.ofNullable(home.get(chunk));
    }

    private int[] having(ChunkPlan.Chunk chunk) {
        return IntStream.range(0, blocks.size())
                .filter(array -> layout.has(array, chunk.run()))
                .toArray();
    }

    private Staging home(ChunkPlan.Chunk chunk) {
        return at(chunk).orElseThrow();
    }

    /** Says that one of these was stepped. */
    void changed(ChunkPlan.Chunk chunk) {
        changed.add(chunk);
    }

    /**
     * Payload bytes of an array that lie together.
     *
     * @param memory where, if it is not in the file
     */
    record Part(long sizeBytes, Optional<MemorySegment> memory) {}

    /** Returns where the bytes from {@code firstByte} on lie, at most {@code wanted} of them. */
    Part part(int array, long firstByte, long wanted) {
        if (array >= byFirstByte.size()) {
            return new Part(wanted, Optional.empty()); // extra arrays rest in files
        }
        TreeMap<Long, ChunkPlan.Chunk> places = byFirstByte.get(array);
        var before = places.floorEntry(firstByte);
        if (before != null) {
            ChunkPlan.Chunk chunk = before.getValue();
            long skip = firstByte - before.getKey();
            long left = blocks.get(array).bytesOf(chunk.length()) - skip;
            if (left > 0) {
                long size = Math.min(wanted, left);
                MemorySegment area = home(chunk).areas().get(array);
                return new Part(size, Optional.of(area.asSlice(skip, size)));
            }
        }
        Long next = places.higherKey(firstByte);
        return new Part(
                next == null ? wanted : Math.min(wanted, next - firstByte), Optional.empty());
    }

    /** Says that payload bytes of an array that are in memory were written. */
    void changed(int array, long firstByte) {
        changed.add(byFirstByte.get(array).floorEntry(firstByte).getValue());
    }

    /**
     * Reads all of them, from a store that was reopened.
     *
     * @throws StorageException if a block is not what was written
     */
    void load(List<ArrayFile> files) {
        home.forEach(
                (chunk, staging) -> {
                    for (int array : having(chunk)) {
                        files.get(array).read(chunk, staging.areas().get(array)).await();
                        files.get(array).verify(chunk, staging.bytes().get(array));
                    }
                });
        changed.clear();
    }

    /** Takes the checksums of what changed, which {@link #write} comes for. */
    void seal(List<ArrayFile> files) {
        for (ChunkPlan.Chunk chunk : changed) {
            for (int array : having(chunk)) {
                files.get(array).seal(chunk, home(chunk).bytes().get(array));
            }
        }
    }

    /** Writes what was sealed, at most {@code depth} chunks at once, and waits for it. */
    void write(List<ArrayFile> files, int depth) {
        Queue<Pending> underWay = new ArrayDeque<>();
        Queue<Integer> ofEach = new ArrayDeque<>();
        try {
            for (ChunkPlan.Chunk chunk : changed) {
                if (ofEach.size() == depth) {
                    for (int writes = ofEach.remove(); writes > 0; writes--) {
                        underWay.remove().await();
                    }
                }
                int[] arrays = having(chunk);
                for (int array : arrays) {
                    MemorySegment area = home(chunk).areas().get(array);
                    underWay.add(files.get(array).write(chunk, area));
                }
                ofEach.add(arrays.length);
            }
            while (!underWay.isEmpty()) {
                underWay.remove().await();
            }
            changed.clear();
        } finally {
            drain(underWay);
        }
    }

    /** Waits for what a failure left under way, since it touches the chunks' memory. */
    private static void drain(Queue<Pending> underWay) {
        for (Pending write : underWay) {
            try {
                write.await();
            } catch (DsException e) {
                // The first failure is the one to report.
            }
        }
    }
}
