package ds.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Chunks tile the runs, fit their slot, and end where a checksum block ends. */
class ChunkPlanTest {
    private static final long SEED = 7;

    @Test
    void chunksTileEveryRunInWholeBlocks() {
        Random random = new Random(SEED);
        for (int trial = 0; trial < 200; trial++) {
            int arrays = 1 + random.nextInt(5);
            long chunkBytes = arrays * 4096L + random.nextInt(1 << 20);
            List<Long> runs =
                    random.ints(1 + random.nextInt(6), 0, 300)
                            .mapToObj(granules -> granules * 1024L)
                            .toList();
            List<String> names =
                    random.ints(arrays, 0, 9).mapToObj(Integer::toString).distinct().toList();
            ChunkPlan plan = ChunkPlan.of(new StateLayout(names, runs), chunkBytes);
            assertTiles(plan, runs, chunkBytes / names.size(), "trial " + trial);
        }
    }

    private static void assertTiles(
            ChunkPlan plan, List<Long> runs, long arrayBytes, String trial) {
        long[] done = new long[runs.size()];
        long first = 0;
        for (ChunkPlan.Chunk chunk : plan.chunks()) {
            assertEquals(done[chunk.run()], chunk.firstInRun(), trial);
            assertEquals(first, chunk.first(), trial);
            assertTrue(chunk.length() > 0 && chunk.length() * Float.BYTES <= arrayBytes, trial);
            assertEquals(0, chunk.firstInRun() * Float.BYTES % plan.blockBytes(), trial);
            done[chunk.run()] += chunk.length();
            first += chunk.length();
            if (done[chunk.run()] < runs.get(chunk.run())) {
                assertEquals(0, chunk.length() * Float.BYTES % plan.blockBytes(), trial);
            }
        }
        for (int run = 0; run < done.length; run++) {
            assertEquals(runs.get(run), done[run], trial);
        }
    }

    /** Whatever the share, what is in files is as near to it as whole chunks allow, all along the way. */
    @Test
    void aShareOfTheElementsRestsInFilesEvenlySpread() {
        Random random = new Random(SEED);
        for (int trial = 0; trial < 200; trial++) {
            List<Long> runs =
                    random.ints(1 + random.nextInt(6), 0, 40)
                            .mapToObj(granules -> granules * 1024L)
                            .toList();
            StateLayout layout = new StateLayout(List.of("master"), runs);
            double share = random.nextInt(11) / 10.0;
            ChunkPlan plan = ChunkPlan.of(layout, 3 * 4096, share);
            Set<ChunkPlan.Chunk> stored = new HashSet<>(plan.stored());
            Set<ChunkPlan.Chunk> resident = new HashSet<>(plan.resident());
            long elements = 0;
            long inFiles = 0;
            for (ChunkPlan.Chunk chunk : plan.chunks()) {
                assertTrue(stored.contains(chunk) != resident.contains(chunk));
                elements += chunk.length();
                inFiles += stored.contains(chunk) ? chunk.length() : 0;
                assertTrue(Math.abs(inFiles - share * elements) <= 3 * 1024, "trial " + trial);
            }
            assertTrue(share < 1 || resident.isEmpty());
            assertTrue(share > 0 || stored.isEmpty());
        }
    }

    @Test
    void blocksAreOneMebibyteWhereASlotHoldsThem() {
        StateLayout layout = new StateLayout(List.of("master", "exp_avg", "exp_avg_sq"), List.of());
        assertEquals(1 << 20, ChunkPlan.of(layout, 32L << 20).blockBytes());
        assertEquals(1 << 19, ChunkPlan.of(layout, 2L << 20).blockBytes());
        assertEquals(4096, ChunkPlan.of(layout, 3 * 4096).blockBytes());
    }

    @Test
    void aSlotTooSmallForOneBlockOfEachArrayIsRefused() {
        StateLayout layout = new StateLayout(List.of("master", "exp_avg"), List.of(1024L));
        IllegalArgumentException failure =
                assertThrows(IllegalArgumentException.class, () -> ChunkPlan.of(layout, 8191));
        assertEquals(
                "A chunk of 8,191 bytes cannot hold 4,096 bytes of each of 2 arrays; raise chunk_bytes to 8,192.",
                failure.getMessage());
    }
}
