package ds.foreign.libc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.core.spi.HostMemoryProvider;
import ds.foreign.Downcalls;
import ds.foreign.NativeException;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Memory of the C library is aligned, zeroed, advised, locked when asked, and given back. */
class LibcMemoryTest {
    private static final Path SMAPS = Path.of("/proc/self/smaps");
    private static final Path HUGE_PAGES = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
    private static final long MIB = 1 << 20;

    private final HostMemoryProvider provider = new LibcMemoryProvider();

    @BeforeEach
    void runsHere() {
        Optional<String> why = provider.unavailable();
        assumeTrue(why.isEmpty(), () -> "libc memory cannot run here: " + why);
    }

    @Test
    void memoryIsAlignedAndZeroed() {
        try (Arena arena = Arena.ofShared()) {
            for (long size : new long[] {1, 4096, 3 * MIB + 5}) {
                MemorySegment memory = provider.allocate(arena, size, 4096);
                assertEquals(size, memory.byteSize());
                assertEquals(0, memory.address() % (size > MIB ? 2 * MIB : 4096));
                for (long at = 0; at < size; at += 1000) {
                    assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, at));
                }
                memory.fill((byte) 1);
            }
        }
    }

    @Test
    void largeMemoryAsksForHugePages() throws IOException {
        assumeTrue(Files.exists(HUGE_PAGES), "this kernel has no transparent huge pages");
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = provider.allocate(arena, 4 * MIB, 4096);
            assertTrue(flags(memory).contains("hg"));
            MemorySegment small = provider.allocate(arena, 4096, 4096);
            assertFalse(flags(small).contains("hg"));
        }
    }

    @Test
    void pinnedMemoryIsLocked() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = provider.allocate(arena, 16_384, 4096);
            assertFalse(flags(memory).contains("lo"));
            assertEquals(Optional.empty(), provider.lock(memory));
            assertTrue(flags(memory).contains("lo"));
        }
    }

    @Test
    void closingTheArenaGivesTheMemoryBack() throws IOException {
        MemorySegment memory;
        try (Arena arena = Arena.ofShared()) {
            memory = provider.allocate(arena, 64 * MIB, 4096);
            assertTrue(mappedBytes(memory) >= 64 * MIB);
        }
        assertThrows(IllegalStateException.class, () -> memory.get(ValueLayout.JAVA_BYTE, 0));
        assertTrue(mappedBytes(memory) < 64 * MIB);
    }

    @Test
    void aRefusedLockSaysWhyAndTheLimit() {
        String why = LibcMemory.lock(MemorySegment.ofAddress(4096), 8192).orElseThrow();
        assertTrue( // the system's words are localised
                why.matches(
                        "mlock of 8,192 bytes failed: .* \\(errno 12\\);"
                                + " the limit of locked memory \\(ulimit -l\\) is (unlimited|[0-9]+ bytes)"),
                why);
    }

    @Test
    void aRefusedMappingIsAnError() {
        try (Arena arena = Arena.ofShared()) {
            NativeException failure =
                    assertThrows(
                            NativeException.class, () -> provider.allocate(arena, 1L << 60, 4096));
            assertTrue(
                    String.valueOf(failure.getMessage()).startsWith("mmap of "),
                    failure.getMessage());
        }
    }

    @Test
    void theSlabsOfARankLieInIt() throws IOException {
        assertEquals("libc", HostMemories.best(layer()).name());
        try (RankMemory memory = new RankMemory(HostMemories.best(layer()))) {
            memory.allocateBytes(MemoryKind.MASTERS, 3 * MIB);
            MemorySegment second = memory.allocateBytes(MemoryKind.MASTERS, 8_192, true);
            assertTrue(flags(second).contains("lo"));
            assertEquals(8_192, memory.lockedBytes());
            assertEquals(Optional.empty(), memory.lockRefusal());
            assertEquals(0, second.address() % RankMemory.ALIGNMENT_BYTES);
        }
    }

    @Test
    void otherSystemsAreToldWhyNot() {
        assertEquals(
                Optional.of(
                        "it needs Linux (mmap, madvise and mlock with its constants), this is Mac OS X"),
                LibcMemoryProvider.unavailable("Mac OS X", "aarch64"));
        assertEquals(
                Optional.of("it needs a 64-bit system, this is arm"),
                LibcMemoryProvider.unavailable("Linux", "arm"));
        assertEquals(Downcalls.denied(), LibcMemoryProvider.unavailable("Linux", "amd64"));
    }

    @Test
    void withoutNativeAccessTheChoiceIsPortableAndTheReasonIsSaid() throws Exception {
        String paths =
                String.join(
                        File.pathSeparator,
                        System.getProperty("jdk.module.path", ""),
                        System.getProperty("java.class.path", ""),
                        Path.of(System.getProperty("basedir", ""), "target", "test-classes")
                                .toString());
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "--illegal-native-access=deny",
                                "-cp",
                                paths,
                                Denied.class.getName())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        assertEquals(
                "portable: native access is off; start Java with --enable-native-access=ALL-UNNAMED",
                process.inputReader().readLine());
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    }

    /** A JVM that may not call C. */
    static final class Denied {
        private Denied() {}

        public static void main(String[] arguments) throws IOException {
            String line =
                    HostMemories.best(ModuleLayer.boot()).name()
                            + ": "
                            + new LibcMemoryProvider().unavailable().orElse("");
            System.out.write(line.getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        }
    }

    private static ModuleLayer layer() {
        ModuleLayer own = LibcMemoryTest.class.getModule().getLayer();
        return own == null ? ModuleLayer.boot() : own;
    }

    /** Returns the kernel's flags of the mapping in which {@code memory} begins. */
    private static List<String> flags(MemorySegment memory) throws IOException {
        boolean inside = false;
        for (String line : Files.readAllLines(SMAPS)) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                inside = contains(line, memory);
            } else if (inside && line.startsWith("VmFlags:")) {
                return List.of(line.substring("VmFlags:".length()).strip().split(" "));
            }
        }
        throw new AssertionError("The kernel knows no mapping at " + memory);
    }

    private static boolean contains(String mapping, MemorySegment memory) {
        String[] range = mapping.substring(0, mapping.indexOf(' ')).split("-");
        long address = memory.address();
        return Long.compareUnsigned(Long.parseUnsignedLong(range[0], 16), address) <= 0
                && Long.compareUnsigned(address, Long.parseUnsignedLong(range[1], 16)) < 0;
    }

    /** Returns the size of the mapping in which {@code memory} begins, or 0. */
    private static long mappedBytes(MemorySegment memory) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            if (contains(line, memory)) {
                String[] range = line.substring(0, line.indexOf(' ')).split("-");
                return Long.parseUnsignedLong(range[1], 16) - memory.address();
            }
        }
        return 0;
    }
}
