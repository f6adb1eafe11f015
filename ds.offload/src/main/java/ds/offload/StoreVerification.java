package ds.offload;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * What every byte of a rank's store was found to be.
 *
 * @param directory the rank's
 * @param problems what is lost, one sentence each; empty if the last commit is whole
 * @param notes what does not match and can be done without: a copy of a record, a slot that an
 *     interrupted step may have written to
 */
public record StoreVerification(Path directory, List<String> problems, List<String> notes) {
    /** Copies the lists. */
    public StoreVerification {
        problems = List.copyOf(problems);
        notes = List.copyOf(notes);
    }

    /** Returns whether every byte is what the commits say. */
    public boolean isSpotless() {
        return problems.isEmpty() && notes.isEmpty();
    }

    static StoreVerification of(Path rankDirectory, FileOperations files) {
        List<String> problems = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        if (StoreOwner.read(rankDirectory).isEmpty()) {
            notes.add(
                    "%s is missing, damaged, or of another version."
                            .formatted(rankDirectory.resolve(StoreOwner.FILE)));
        }
        try {
            requireEmptyLock(rankDirectory, notes);
            StoreHistory history = StoreHistory.read(rankDirectory, files);
            notes.addAll(history.notes());
            List<ExtentTable> tables = history.tablesAt(history.size() - 1);
            scan(history, tables, false, files, found -> found.tell(problems, notes));
            if (!problems.isEmpty()) {
                noteOlder(history, files, notes);
            }
        } catch (StorageException e) {
            problems.add(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            problems.add("Cannot read %s: %s.".formatted(rankDirectory, e));
        }
        return new StoreVerification(rankDirectory, problems, notes);
    }

    private static void noteOlder(StoreHistory history, FileOperations files, List<String> notes) {
        long last = history.last().commit();
        OptionalInt older = history.find(last - 1);
        if (older.isPresent() && isWhole(history, older.getAsInt(), files)) {
            notes.add(
                    "Commit %,d, step %,d, is whole: 'ds train --resume %s --generation previous' goes on from it where all ranks have it."
                            .formatted(
                                    last - 1,
                                    history.commit(older.getAsInt()).run().globalStep(),
                                    history.directory().toAbsolutePath().getParent()));
        }
    }

    /**
     * Returns whether every block of the commit at {@code index} of a history is what was written.
     *
     * @throws StorageException if a file cannot be read
     */
    static boolean isWhole(StoreHistory history, int index, FileOperations files) {
        boolean[] whole = {true};
        try {
            scan(
                    history,
                    history.tablesAt(index),
                    true,
                    files,
                    _ -> {
                        whole[0] = false;
                        return false;
                    });
        } catch (IOException e) {
            throw new StorageException(
                    "Cannot read %s: %s.".formatted(history.directory(), e.getMessage()), e);
        }
        return whole[0];
    }

    private static void requireEmptyLock(Path rankDirectory, List<String> notes)
            throws IOException {
        Path lock = rankDirectory.resolve(StoreLock.FILE);
        if (Files.exists(lock, LinkOption.NOFOLLOW_LINKS) && Files.size(lock) != 0) {
            notes.add("%s is not empty.".formatted(lock));
        }
    }

    /** Takes a block that is not what was written; returns whether to look further. */
    @FunctionalInterface
    private interface Listener {
        boolean found(Mismatch mismatch);
    }

    /** A block that is not what was written, in one of its slots. */
    private record Mismatch(String file, ExtentTable table, int index, int slot, long position) {
        /** Adds a sentence to the problems or the notes; the scan goes on. */
        boolean tell(List<String> problems, List<String> notes) {
            boolean current = table.slot(index) == slot;
            String text =
                    "Block %d of %s (slot %d, offset %,d, generation %d) is not what was written%s."
                            .formatted(
                                    index,
                                    file,
                                    slot,
                                    position,
                                    table.generation(index, slot),
                                    current
                                            ? ""
                                            : "; it is of an earlier commit, and a step that was cut off may have written there");
            (current ? problems : notes).add(text);
            return true;
        }
    }

    private static void scan(
            StoreHistory history,
            List<ExtentTable> tables,
            boolean currentOnly,
            FileOperations files,
            Listener listener)
            throws IOException {
        List<ExtentFile.Shape> shapes = history.frame().shape().files();
        boolean goesOn = true;
        for (int i = 0; i < shapes.size() && goesOn; i++) {
            goesOn = scan(history, shapes.get(i), tables.get(i), currentOnly, files, listener);
        }
    }

    private static boolean scan(
            StoreHistory history,
            ExtentFile.Shape shape,
            ExtentTable table,
            boolean currentOnly,
            FileOperations files,
            Listener listener)
            throws IOException {
        ByteBuffer block = ByteBuffer.allocate(shape.blockBytes());
        try (PartChannels channels = PartChannels.open(history.parts(), shape.fileName(), files)) {
            BlockChecksum checksum = new BlockChecksum(history.storeId(), shape.number());
            int index = 0;
            long offset = 0;
            for (int extent = 0; extent < shape.extentBytes().size(); extent++) {
                long padded = ExtentFile.padded(shape.extentBytes().get(extent));
                int number = 0;
                for (long at = 0; at < padded; at += shape.blockBytes(), index++, number++) {
                    int size = (int) Math.min(shape.blockBytes(), padded - at);
                    for (int slot = 0; slot < shape.slots(); slot++) {
                        if (currentOnly && slot != table.slot(index)) {
                            continue;
                        }
                        long position = slot * (shape.fileBytes() / shape.slots()) + offset + at;
                        channels.read(block.clear().limit(size), position);
                        if (!matches(checksum, table, index, slot, extent, number, block)
                                && !listener.found(
                                        new Mismatch(
                                                history.parts()
                                                        .holders(shape.fileName(), position, size),
                                                table,
                                                index,
                                                slot,
                                                position))) {
                            return false;
                        }
                    }
                }
                offset += padded;
            }
        }
        return true;
    }

    private static boolean matches(
            BlockChecksum checksum,
            ExtentTable table,
            int index,
            int slot,
            int extent,
            int number,
            ByteBuffer block) {
        int generation = table.generation(index, slot);
        if (generation == ExtentTable.BLANK) {
            return block.flip().mismatch(ByteBuffer.allocate(block.limit())) < 0;
        }
        return checksum.of(extent, number, slot, generation, block.flip())
                == table.checksum(index, slot);
    }
}
