package ds.engine.checkpoint;

import ds.offload.FileOperations;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Writes one checkpoint into a directory of checkpoints. Nothing that was there before is touched
 * until the new one is whole and durable: files, then the directory, then {@code MANIFEST.json} by
 * rename, then {@code latest} by rename, each made durable before the next.
 *
 * <pre>{@code
 * try (var writer = CheckpointWriter.begin(Path.of("run"), header)) {
 *     // on each rank's own thread
 *     try (var file = writer.rank(rank, pieces)) {
 *         for (Piece piece : pieces) {
 *             file.put(piece.kind(), piece.parameter(), piece.offsetElements(), buffer);
 *         }
 *         file.finish();
 *     }
 *     // on one thread, once all ranks have finished
 *     writer.commit();
 * }
 * }</pre>
 *
 * {@link #rank} may be called from any thread; {@link #commit} and {@link #close} belong to the
 * thread that began.
 */
public final class CheckpointWriter implements AutoCloseable {
    private final FileOperations files;
    private final CheckpointHeader header;
    private final Path root;
    private final Path directory;
    private final FileChannel lock;
    private final RankFile[] finished;
    private boolean committed;

    private CheckpointWriter(
            FileOperations files,
            CheckpointHeader header,
            Path root,
            Path directory,
            FileChannel lock) {
        this.files = files;
        this.header = header;
        this.root = root;
        this.directory = directory;
        this.lock = lock;
        this.finished = new RankFile[header.worldSize()];
    }

    /**
     * Begins a checkpoint of the step that {@code header} names; creates {@code root} if absent.
     *
     * @throws CheckpointException if the directory cannot be written, or another process saves into
     *     it at this moment
     */
    public static CheckpointWriter begin(Path root, CheckpointHeader header) {
        return begin(root, header, FileOperations.system());
    }

    /** As {@link #begin(Path, CheckpointHeader)}, through other file operations. */
    public static CheckpointWriter begin(Path root, CheckpointHeader header, FileOperations files) {
        @Nullable FileChannel lock = null;
        try {
            createDurably(root.toAbsolutePath(), files);
            lock = lock(root);
            CheckpointDirectory.removeDebris(root);
            Path directory = CheckpointDirectory.createUnique(root, header.state().globalStep());
            return new CheckpointWriter(files, header, root, directory, lock);
        } catch (IOException e) {
            close(lock);
            throw new CheckpointException(
                    "Cannot begin a checkpoint in %s: %s. Give --save a directory that can be written."
                            .formatted(root, reason(e)),
                    e);
        }
    }

    // A directory that was just made is lost with the power unless its parent is synced.
    private static void createDurably(@Nullable Path directory, FileOperations files)
            throws IOException {
        if (directory != null && !Files.isDirectory(directory)) {
            Path parent = directory.getParent();
            createDurably(parent, files);
            Files.createDirectories(directory);
            if (parent != null) {
                files.syncDirectory(parent);
            }
        }
    }

    private static FileChannel lock(Path root) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        root.resolve(".lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // the same answer as from another process: below
            assert channel.isOpen();
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        throw new CheckpointException(
                "Another run is saving into %s at this moment; give each run its own directory."
                        .formatted(root));
    }

    /**
     * Opens the file of one rank.
     *
     * @param pieces everything this rank will put, in that order; may be empty
     * @throws CheckpointException if the file cannot be created or written
     */
    public RankWriter rank(int rank, List<Piece> pieces) {
        if (rank < 0 || rank >= finished.length) {
            throw new IllegalArgumentException(
                    "Rank %d is not one of the %d ranks of this checkpoint."
                            .formatted(rank, finished.length));
        }
        Path file = directory.resolve(RankFile.name(rank, finished.length));
        return new RankWriter(
                files, file, rank, List.copyOf(pieces), result -> accept(rank, result));
    }

    private synchronized void accept(int rank, RankFile result) {
        finished[rank] = result;
    }

    /**
     * Makes the checkpoint the newest one and returns its directory. All ranks have finished.
     *
     * @throws CheckpointException if that fails; the checkpoints before stay as they were
     */
    public synchronized Path commit() {
        for (int rank = 0; rank < finished.length; rank++) {
            if (finished[rank] == null) {
                throw new IllegalStateException(
                        "Rank %d has not finished its file; commit comes after all ranks."
                                .formatted(rank));
            }
        }
        try {
            files.syncDirectory(directory);
            long sequence = CheckpointDirectory.nextSequence(root);
            String manifest = Manifest.write(header, sequence, Arrays.asList(finished));
            publish(directory, "MANIFEST.tmp", Manifest.FILE, manifest);
            files.syncDirectory(root);
            publish(
                    root,
                    CheckpointDirectory.LATEST + ".tmp-" + UUID.randomUUID(),
                    CheckpointDirectory.LATEST,
                    directory.getFileName() + "\n");
        } catch (IOException e) {
            throw new CheckpointException(
                    "Cannot commit checkpoint %s: %s. The checkpoints before it are untouched."
                            .formatted(directory, reason(e)),
                    e);
        }
        committed = true;
        return directory;
    }

    private void publish(Path where, String temporary, String name, String text)
            throws IOException {
        Path from = where.resolve(temporary);
        try (FileChannel channel =
                FileChannel.open(from, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            files.writeFully(channel, from, bytes, 0);
            files.force(channel, from, true);
        }
        files.rename(from, where.resolve(name));
        files.syncDirectory(where);
    }

    static String reason(IOException e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        return switch (e) {
            case AccessDeniedException denied -> "no permission to write " + denied.getFile();
            case FileAlreadyExistsException exists ->
                    exists.getFile() + " exists and is not a directory";
            default -> message;
        };
    }

    /** Ends; a checkpoint that was not committed is removed as far as possible. */
    @Override
    public void close() {
        if (!committed && !Files.exists(directory.resolve(Manifest.FILE))) {
            CheckpointDirectory.removeQuietly(directory);
        }
        close(lock);
    }

    private static void close(@Nullable FileChannel channel) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                System.getLogger(CheckpointWriter.class.getName())
                        .log(System.Logger.Level.WARNING, "Cannot close the lock file", e);
            }
        }
    }
}
