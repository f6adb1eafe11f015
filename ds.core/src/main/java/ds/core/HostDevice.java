package ds.core;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The host itself as a device: its memory is host memory, and every operation is done at once. */
public final class HostDevice implements Device {
    private record HostBuffer(MemorySegment segment) implements Buffer {
        @Override
        public long sizeBytes() {
            return segment.byteSize();
        }
    }

    private final Arena arena = Arena.ofShared();

    /** Creates the device; it owns the memory that it allocates. */
    public HostDevice() {}

    @Override
    public String name() {
        return "host";
    }

    @Override
    public boolean addressable() {
        return true;
    }

    @Override
    public Buffer allocate(long sizeBytes) {
        return new HostBuffer(arena.allocate(sizeBytes, RankMemory.ALIGNMENT_BYTES));
    }

    @Override
    public Pending copyIn(MemorySegment host, Buffer device) {
        MemorySegment.copy(host, 0, own(device), 0, host.byteSize());
        return host::byteSize;
    }

    @Override
    public Pending copyOut(Buffer device, MemorySegment host) {
        MemorySegment.copy(own(device), 0, host, 0, host.byteSize());
        return host::byteSize;
    }

    @Override
    public Pending launch(Kernel kernel, List<Buffer> arguments) {
        kernel.run(arguments.stream().map(HostDevice::own).toList());
        return Pending.DONE;
    }

    private static MemorySegment own(Buffer buffer) {
        if (buffer instanceof HostBuffer(MemorySegment segment)) {
            return segment;
        }
        throw new IllegalArgumentException("The buffer belongs to another device than the host.");
    }

    @Override
    public void close() {
        arena.close();
    }
}
