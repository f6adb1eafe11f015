package ds.offload.chronicle.mapped;

import ds.core.Pending;
import ds.offload.StorageBackend;
import ds.offload.spi.ThreadQueue;
import java.lang.foreign.MemorySegment;

/** Threads that copy from and to a mapping, which lives as long as the backend. */
final class ChronicleBackend implements StorageBackend {
    private final ChronicleMapping mapping;
    private final StorageBackend transfers;
    private final ThreadQueue threads;
    private boolean closed;

    ChronicleBackend(ChronicleMapping mapping, StorageBackend transfers, ThreadQueue threads) {
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

    /**
     * {@inheritDoc} On Linux, the only system this runs on, fdatasync of the file also writes pages
     * that a shared mapping made dirty, and reports their failures, which Chronicle's own msync
     * does not.
     */
    @Override
    public void sync() {
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
