package ds.offload.chronicle.mapped;

import ds.offload.spi.MappingBackend;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import net.openhft.chronicle.bytes.MappedBytesStore;
import net.openhft.chronicle.bytes.MappedFile;
import net.openhft.chronicle.core.io.ReferenceOwner;

/**
 * One mapping of a whole file by Chronicle Bytes. An access that the operating system refuses
 * (SIGBUS, an {@link InternalError} in Java) is an {@link IOException}. Used by the backend's
 * threads, closed after them.
 */
final class ChronicleMapping implements MappingBackend.Mapping, ReferenceOwner {
    private final FileChannel channel;
    private final MappedFile mapped;
    private final MappedBytesStore bytes;
    private final long sizeBytes;

    private ChronicleMapping(Path file, FileChannel channel) throws IOException {
        this.channel = channel;
        this.sizeBytes = channel.size();
        this.mapped = MappedFile.ofSingle(file.toFile(), sizeBytes, false);
        boolean whole = false;
        try {
            mapped.singleThreadedCheckDisabled(true); // each thread copies other bytes
            this.bytes = mapped.acquireByteStore(this, 0);
            bytes.singleThreadedCheckDisabled(true);
            whole = true;
        } finally {
            if (!whole) {
                mapped.releaseLast();
            }
        }
    }

    /** Maps a file, with Chronicle's ways to say that it cannot as what they are. */
    static ChronicleMapping of(Path file, FileChannel channel) throws IOException {
        try {
            return new ChronicleMapping(file, channel);
        } catch (IllegalStateException | IllegalArgumentException e) {
            throw new IOException(e);
        }
    }

    @Override
    public long move(boolean write, long offsetBytes, MemorySegment segment) throws IOException {
        long size = segment.byteSize();
        if (offsetBytes > sizeBytes - size) {
            return 0; // past the end, as a read of it would say
        }
        if (!segment.isNative()) {
            throw new IOException("memory on the heap cannot be transferred");
        }
        try {
            if (write) {
                bytes.nativeWrite(segment.address(), offsetBytes, size);
            } else {
                bytes.nativeRead(offsetBytes, segment.address(), size);
            }
            // Pages past a file's new end may still be there.
            return Math.clamp(channel.size() - offsetBytes, 0, size);
        } catch (InternalError e) {
            throw new IOException(
                    "the operating system refused the access (SIGBUS): the file was truncated, its disk is full, or it cannot be read",
                    e);
        }
    }

    /**
     * {@inheritDoc} On Linux, the only system this runs on, fdatasync of the file also writes pages that
     * a shared mapping made dirty, and reports their failures, which Chronicle's own msync does not.
     */
    @Override
    public void force() {
        // The sync of the file does it.
    }

    @Override
    public void close() {
        bytes.release(this);
        mapped.releaseLast();
    }
}
