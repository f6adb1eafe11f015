package ds.offload.spi;

import ds.core.Pending;
import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageException;
import ds.offload.StorageSettings;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Threads that copy from and to a mapping of the whole file, which lives as long as the backend. */
public final class MappingBackend implements StorageBackend {
    /** A file as memory. */
    public interface Mapping extends ThreadQueue.Mover {
        /**
         * Hands every written page to the device, unless a sync of the file does.
         *
         * @throws StorageException if the operating system cannot
         */
        void force();

        /** Unmaps. No thread is in {@link #move} any more. */
        void close();
    }

    /** Maps an open file. */
    @FunctionalInterface
    public interface Mapper {
        /**
         * Returns the mapping; the channel stays the caller's.
         *
         * @throws IOException in the operating system's words
         */
        Mapping map(Path file, FileChannel channel) throws IOException;
    }

    private final Mapping mapping;
    private final StorageBackend transfers;
    private final ThreadQueue threads;
    private boolean closed;

    private MappingBackend(Mapping mapping, StorageBackend transfers, ThreadQueue threads) {
        this.mapping = mapping;
        this.transfers = transfers;
        this.threads = threads;
    }

    /**
     * Opens and maps a file that is there.
     *
     * @param name the provider's
     * @throws StorageException if it cannot be opened or mapped
     */
    public static StorageBackend open(
            String name, Path file, StorageSettings settings, FileOperations files, Mapper mapper) {
        FileChannel channel = QueuedBackend.channel(file);
        Mapping mapping;
        try {
            mapping = mapper.map(file, channel);
        } catch (IOException e) {
            closeQuietly(channel, e);
            throw new StorageException("Cannot map %s: %s.".formatted(file, e), e);
        }
        ThreadQueue threads =
                new ThreadQueue("ds-%s-%s".formatted(name, file.getFileName()), settings, mapping);
        return new MappingBackend(
                mapping,
                new QueuedBackend(name, file, channel, settings, files, files.queue(file, threads)),
                threads);
    }

    private static void closeQuietly(FileChannel channel, IOException reason) {
        try {
            channel.close();
        } catch (IOException e) {
            reason.addSuppressed(e);
        }
    }

    @Override
    public Pending read(long offsetBytes, MemorySegment into) {
        return transfers.read(offsetBytes, into);
    }

    @Override
    public Pending write(long offsetBytes, MemorySegment from) {
        return transfers.write(offsetBytes, from);
    }

    @Override
    public void poll() {
        transfers.poll();
    }

    /** {@inheritDoc} First the mapping's pages, then the file as its channel sees it. */
    @Override
    public void sync() {
        mapping.force();
        transfers.sync();
    }

    @Override
    public String name() {
        return transfers.name();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        transfers.close();
        if (threads.held() == 0) {
            mapping.close(); // else a thread is still in it: it stays mapped
        }
    }
}
