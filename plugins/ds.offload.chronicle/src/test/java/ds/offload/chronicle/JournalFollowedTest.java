package ds.offload.chronicle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.offload.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Entries of a journal are read by another process, in order, each whole or not at all. */
class JournalFollowedTest {
    private static final int RECORD = 64;

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("journal");
    }

    private Path journalOf(int count) {
        JournalWriter.main(new String[] {file().toString(), Integer.toString(count)});
        return file();
    }

    private static void put(Path file, long at, int sizeBytes, long value) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
            assertEquals(
                    sizeBytes, channel.write(bytes.putLong(value).flip().limit(sizeBytes), at));
        }
    }

    private static long entries(Path file) {
        try (ChronicleJournal.Follower follower = ChronicleJournal.follow(file)) {
            long count = 0;
            for (Optional<JournalEntry> each = follower.poll();
                    each.isPresent();
                    each = follower.poll()) {
                assertEquals(count++, each.get().step());
            }
            return count;
        }
    }

    @Test
    @Timeout(120)
    void whatAnotherProcessAppendsIsFollowedInOrder() throws Exception {
        int count = 40_000; // more than two chunks
        Path file = journalOf(0);
        Process writer = ChildProgram.start(JournalWriter.class, file, count);
        try (ChronicleJournal.Follower follower = ChronicleJournal.follow(file)) {
            int seen = 0;
            while (seen < count) {
                Optional<JournalEntry> entry = follower.poll();
                if (entry.isPresent()) {
                    assertEquals(JournalWriter.entry(seen), entry.get());
                    seen++;
                } else if (!writer.isAlive()) {
                    assertEquals(0, writer.exitValue(), "the writer's status");
                }
            }
            assertTrue(writer.waitFor(60, TimeUnit.SECONDS), "the writer ends");
            assertEquals(0, writer.exitValue());
            assertEquals(Optional.empty(), follower.poll());
        }
    }

    @Test
    void aHalfWrittenTailIsNotDelivered() throws IOException {
        Path file = journalOf(3);
        for (int written = 8; written < RECORD; written += 8) {
            put(file, 4 * RECORD + written, 8, 0x5a5a_5a5aL); // all but the word that ends a record
            assertEquals(3, entries(file));
        }
    }

    @Test
    void aTailThatAPowerFailureToreIsNotDeliveredAndIsWrittenAgain() throws IOException {
        Path file = journalOf(3);
        put(file, 3 * RECORD + 8, 8, 77); // the last record: its word arrived, its step did not
        assertEquals(2, entries(file));
        try (ChronicleJournal journal = ChronicleJournal.open(file)) {
            assertEquals(2, journal.size());
            journal.append(JournalWriter.entry(2));
        }
        assertEquals(3, entries(file));
    }

    @Test
    void noBitOfARecordCanBeAnother() throws IOException {
        Path file = journalOf(3);
        byte[] whole = Files.readAllBytes(file);
        for (int bit = 0; bit < RECORD * Byte.SIZE; bit++) {
            byte[] flipped = whole.clone();
            flipped[3 * RECORD + bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
            Files.write(file, flipped, StandardOpenOption.WRITE);
            assertEquals(2, entries(file), "bit " + bit);
        }
    }

    @Test
    void oneRunWritesAJournal() {
        Path file = journalOf(1);
        try (ChronicleJournal _ = ChronicleJournal.open(file)) {
            var failure = assertThrows(StorageException.class, () -> ChronicleJournal.open(file));
            assertEquals(
                    "The journal %s is open in another run; end that run, or name another path."
                            .formatted(file),
                    failure.getMessage());
        }
        ChronicleJournal.open(file).close();
    }

    @Test
    void damageBeforeTheTailIsAnError() throws IOException {
        Path file = journalOf(3);
        put(file, 2 * RECORD + 8, 1, 77);
        StorageException failure = assertThrows(StorageException.class, () -> entries(file));
        assertEquals(
                "Record 1 at offset 128 of the journal %s is damaged and others follow it."
                        .formatted(file),
                failure.getMessage());
    }

    @Test
    void anotherFileIsLeftAsItIs() throws IOException {
        Path file = Files.writeString(file(), "something else");
        StorageException failure =
                assertThrows(StorageException.class, () -> ChronicleJournal.open(file));
        assertEquals(
                "%s is not a journal of this kind: it has 14 bytes, a journal at least 1,048,576."
                        .formatted(file),
                failure.getMessage());
        assertEquals("something else", Files.readString(file));
    }
}
