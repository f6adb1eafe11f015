package ds.engine.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.offload.FileOperations;
import ds.testkit.ForwardingFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever call a save dies in, the checkpoint before it loads, and the next save succeeds. */
class InterruptedSaveTest {
    @TempDir private Path temporary;

    /** Stands for the death of the process: it is no exception that anybody may handle. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1L;
    }

    /** Fails in the n-th call; with {@code kill} as if the process ended there. */
    private static class Failing extends ForwardingFiles {
        private final int failAt;
        private final boolean kill;
        private int calls;

        Failing(int failAt, boolean kill) {
            this.failAt = failAt;
            this.kill = kill;
        }

        private void count() throws IOException {
            if (calls++ == failAt) {
                if (kill) {
                    throw new Killed();
                }
                throw new IOException("No space left on device");
            }
        }

        @Override
        public int read(FileChannel channel, Path file, ByteBuffer into, long position)
                throws IOException {
            count();
            return super.read(channel, file, into, position);
        }

        @Override
        public int write(FileChannel channel, Path file, ByteBuffer from, long position)
                throws IOException {
            if (calls == failAt) {
                // half of it is on the disk already, as after a real crash
                ByteBuffer half = from.duplicate();
                half.limit(half.position() + half.remaining() / 2);
                super.write(channel, file, half, position);
            }
            count();
            // short writes are legal, so every second one is short
            if (calls % 2 == 0 && from.remaining() > 3) {
                ByteBuffer part = from.duplicate();
                part.limit(part.position() + part.remaining() / 3);
                int written = super.write(channel, file, part, position);
                from.position(from.position() + written);
                return written;
            }
            return super.write(channel, file, from, position);
        }

        @Override
        public void force(FileChannel channel, Path file, boolean metaData) throws IOException {
            count();
            super.force(channel, file, metaData);
        }

        @Override
        public void rename(Path from, Path to) throws IOException {
            count();
            super.rename(from, to);
        }

        @Override
        public void syncDirectory(Path directory) throws IOException {
            count();
            super.syncDirectory(directory);
        }
    }

    @Test
    void aSaveThatFailsInAnyCallLeavesThePreviousCheckpoint() throws IOException {
        for (boolean kill : new boolean[] {false, true}) {
            int calls = 0;
            for (boolean ended = false; !ended; calls++) {
                Path root = temporary.resolve(kill + "-" + calls);
                CheckpointTest.save(root, 2, 10, FileOperations.system());
                var files = new Failing(calls, kill);
                boolean committed = attempt(root, files, kill);
                ended = files.calls <= calls;
                assertEquals(ended, committed, root.toString());
                long newest = newest(root);
                // after the manifest's rename the new one may be found already
                assertTrue(newest == 10 || newest == 20, root.toString());
                assertTrue(!committed || newest == 20, root.toString());
                CheckpointTest.save(root, 3, 30, FileOperations.system());
                assertEquals(30, newest(root));
                assertEquals(newest == 20 ? 3 : 2, Checkpoints.list(root).size());
                assertFalse(hasDebris(root), root.toString());
            }
            assertTrue(calls > 12, "only " + calls + " calls were tried");
        }
    }

    private static boolean attempt(Path root, Failing files, boolean kill) {
        try {
            CheckpointTest.save(root, 2, 20, files);
            return true;
        } catch (CheckpointException e) {
            assertFalse(kill);
            assertTrue(e.getMessage().contains("No space left on device"), e.getMessage());
            assertTrue(e.getMessage().contains("are untouched"), e.getMessage());
            return false;
        } catch (Killed e) {
            assertTrue(kill);
            return false;
        }
    }

    private static long newest(Path root) {
        try (Checkpoint checkpoint = Checkpoint.open(root)) {
            long step = checkpoint.header().state().globalStep();
            CheckpointTest.assertHolds(checkpoint, step);
            return step;
        }
    }

    private static boolean hasDebris(Path root) throws IOException {
        try (var entries = Files.walk(root)) {
            return entries.anyMatch(entry -> entry.getFileName().toString().contains("tmp"));
        }
    }

    @Test
    void aNewDirectoryIsDurableBeforeAnythingInIt() {
        List<Path> synced = new ArrayList<>();
        var files =
                new Failing(Integer.MAX_VALUE, false) {
                    @Override
                    public void syncDirectory(Path directory) throws IOException {
                        synced.add(temporary.relativize(directory));
                        super.syncDirectory(directory);
                    }
                };
        CheckpointTest.save(temporary.resolve("a/run"), 1, 1, files);
        assertEquals(
                List.of("", "a", "a/run/step-00000001", "a/run/step-00000001", "a/run", "a/run"),
                synced.stream().map(path -> path.toString().replace('\\', '/')).toList());
    }

    @Test
    void aDirectoryThatCannotBeMadeIsNamed() throws IOException {
        Path file = Files.writeString(temporary.resolve("file"), "x");
        String message =
                assertThrows(
                                CheckpointException.class,
                                () ->
                                        CheckpointTest.save(
                                                file.resolve("run"), 1, 1, FileOperations.system()))
                        .getMessage();
        assertTrue(message.startsWith("Cannot begin a checkpoint in " + file), message);
    }
}
