package ds.offload.channel;

import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.StorageSettings;
import ds.offload.spi.QueuedBackend;
import ds.offload.spi.StorageProvider;
import ds.offload.spi.ThreadQueue;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Buffered file channels. Priority 0: anything that is faster here goes before. */
public final class ChannelProvider implements StorageProvider {
    @Override
    public String name() {
        return "channel";
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public StorageBackend open(Path file, StorageSettings settings, FileOperations files) {
        FileChannel channel = QueuedBackend.channel(file);
        ThreadQueue queue =
                new ThreadQueue(
                        "ds-channel-" + file.getFileName(),
                        settings,
                        (write, offset, bytes) -> move(channel, file, files, write, offset, bytes));
        return new QueuedBackend(name(), file, channel, settings, files, queue);
    }

    private static long move(
            FileChannel channel,
            Path file,
            FileOperations files,
            boolean write,
            long offsetBytes,
            MemorySegment segment)
            throws IOException {
        ByteBuffer bytes = segment.asByteBuffer();
        int moved =
                write
                        ? files.write(channel, file, bytes, offsetBytes)
                        : files.read(channel, file, bytes, offsetBytes);
        if (moved > 0 && bytes.position() != moved) {
            throw new IOException(
                    "%,d bytes were reported and %,d were moved"
                            .formatted(moved, bytes.position()));
        }
        return moved;
    }
}
