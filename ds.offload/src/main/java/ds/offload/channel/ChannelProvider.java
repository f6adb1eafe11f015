package ds.offload.channel;

import ds.offload.FileOperations;
import ds.offload.StorageBackend;
import ds.offload.spi.StorageProvider;
import java.nio.file.Path;
import java.time.Duration;

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
    public StorageBackend open(Path file, int depth, Duration stuckAfter, FileOperations files) {
        return new ChannelBackend(file, depth, stuckAfter, files);
    }
}
