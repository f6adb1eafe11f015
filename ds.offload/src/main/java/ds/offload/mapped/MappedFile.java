package ds.offload.mapped;

import ds.offload.StorageException;
import ds.offload.spi.MappingBackend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * A file as memory, and the only class that knows what becomes of a failing access: the operating
 * system answers with SIGBUS, which Java turns into an {@link InternalError} at the access or soon
 * after, and which is an {@link IOException} here. Used by the backend's threads, closed after them.
 */
final class MappedFile implements MappingBackend.Mapping {
    private final Path file;
    private final FileChannel channel;
    private final Arena arena = Arena.ofShared(); // the backend's threads copy, its owner closes
    private final MemorySegment memory;

    MappedFile(Path file, FileChannel channel) throws IOException {
        this.file = file;
        this.channel = channel;
        boolean whole = false;
        try {
            this.memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size(), arena);
            whole = true;
        } finally {
            if (!whole) {
                arena.close();
            }
        }
    }

    @Override
    public long move(boolean write, long offsetBytes, MemorySegment bytes) throws IOException {
        long size = bytes.byteSize();
        if (offsetBytes > memory.byteSize() - size) {
            return 0; // past the end, as a read of it would say
        }
        try {
            MemorySegment place = memory.asSlice(offsetBytes, size);
            if (write) {
                place.copyFrom(bytes);
            } else {
                bytes.copyFrom(place);
            }
            // Pages past a file's new end may still be there; and a pending InternalError surfaces
            // at the latest when a thread comes back from the operating system.
            return Math.clamp(channel.size() - offsetBytes, 0, size);
        } catch (InternalError e) {
            throw failed(e);
        }
    }

    @Override
    public void force() {
        try {
            memory.force();
        } catch (InternalError | UncheckedIOException e) {
            throw new StorageException(
                    "Syncing the mapping of %s failed: %s. Nothing written since the last sync can be relied on."
                            .formatted(file, e.getMessage()),
                    e);
        }
    }

    private static IOException failed(InternalError cause) {
        return new IOException(
                "the operating system refused the access (SIGBUS): the file was truncated, its disk is full, or it cannot be read",
                cause);
    }

    @Override
    public void close() {
        arena.close();
    }
}
