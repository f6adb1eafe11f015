package ds.offload.mapped;

import ds.core.Pending;
import ds.offload.StorageBackend;
import ds.offload.spi.ThreadQueue;
import java.lang.foreign.MemorySegment;

/** Threads that copy from and to a mapping, which lives as long as the backend. */
final class MappedBackend implements StorageBackend {
    private final MappedFile mapping;
    private final StorageBackend transfers;
    private final ThreadQueue threads;
    private boolean closed;

    MappedBackend(MappedFile mapping, StorageBackend transfers, ThreadQueue threads) {
        this.mapping = mapping;
        this.transfers = transfers;
        this.threads = threads;
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
