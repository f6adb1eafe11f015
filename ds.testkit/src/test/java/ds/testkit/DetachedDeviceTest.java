package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.Device;
import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.Pending;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The detached device does what was asked, in order, and shows those who do not wait or copy. */
class DetachedDeviceTest {
    private static final byte POISON = (byte) 0xA5;
    private static final int SIZE = 64;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment host = arena.allocate(SIZE);

    @Test
    void operationsRunInTheOrderOfIssue() {
        try (DetachedDevice device = new DetachedDevice(1)) {
            assertFalse(device.addressable());
            Device.Buffer buffer = device.allocate(SIZE);
            host.fill((byte) 3);
            List<Pending> pending =
                    List.of(
                            device.copyIn(host, buffer),
                            device.launch(DetachedDeviceTest::increment, List.of(buffer)),
                            device.launch(DetachedDeviceTest::increment, List.of(buffer)),
                            device.copyOut(buffer, host));
            assertEquals(SIZE, pending.getFirst().await());
            assertEquals(SIZE, pending.getLast().await());
            assertEquals(5, host.get(ValueLayout.JAVA_BYTE, SIZE - 1));
        }
    }

    private static void increment(List<MemorySegment> arguments) {
        MemorySegment memory = arguments.getFirst();
        for (long i = 0; i < memory.byteSize(); i++) {
            byte before = memory.get(ValueLayout.JAVA_BYTE, i);
            memory.set(ValueLayout.JAVA_BYTE, i, (byte) (before + 1));
        }
    }

    @Test
    void memoryThatWasNotCopiedInIsPoison() {
        try (DetachedDevice device = new DetachedDevice(2)) {
            Device.Buffer buffer = device.allocate(SIZE);
            device.copyIn(host.asSlice(0, 8), buffer).await();
            MemorySegment all = arena.allocate(SIZE);
            device.copyOut(buffer, all).await();
            assertEquals(0, all.get(ValueLayout.JAVA_BYTE, 7));
            assertEquals(POISON, all.get(ValueLayout.JAVA_BYTE, 8));
        }
    }

    @Test
    void waitingTwiceIsAnError() {
        try (DetachedDevice device = new DetachedDevice(3)) {
            Pending pending = device.copyIn(host, device.allocate(SIZE));
            pending.await();
            assertThrows(IllegalStateException.class, pending::await);
        }
    }

    @Test
    void whatAKernelThrowsIsThrownWhereItIsAwaited() {
        try (DetachedDevice device = new DetachedDevice(4)) {
            Pending pending =
                    device.launch(
                            memory -> {
                                throw new ArithmeticException("mine");
                            },
                            List.of());
            assertEquals(
                    "mine", assertThrows(ArithmeticException.class, pending::await).getMessage());
            assertEquals(SIZE, device.copyIn(host, device.allocate(SIZE)).await());
        }
    }

    @Test
    void anotherDevicesBufferIsRefused() {
        try (DetachedDevice device = new DetachedDevice(5);
                HostDevice other = new HostDevice()) {
            Device.Buffer foreign = other.allocate(SIZE);
            assertThrows(IllegalArgumentException.class, () -> device.copyIn(host, foreign));
            Device.Buffer small = device.allocate(8);
            assertThrows(IllegalArgumentException.class, () -> device.copyOut(small, host));
        }
    }

    @Test
    void withoutTheModuleThatCallsCMemoryIsPortable() {
        ModuleLayer own = DetachedDeviceTest.class.getModule().getLayer();
        assertEquals("portable", HostMemories.best(own == null ? ModuleLayer.boot() : own).name());
    }
}
