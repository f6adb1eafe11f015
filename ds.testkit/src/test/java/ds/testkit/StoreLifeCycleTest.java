package ds.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.core.HostDevice;
import ds.core.HostMemories;
import ds.core.RankMemory;
import ds.offload.FileOperations;
import ds.offload.PipelineSettings;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A store is made, locked and deleted by its run; what a dead run left is reclaimed. */
@Timeout(60)
class StoreLifeCycleTest {
    @TempDir Path nvmePath = Path.of("");

    private StoreDirectory open(String run, int rank) {
        return StoreDirectory.open(
                new StoreLocation(nvmePath, run, rank, 2),
                StorageProviders.portable(),
                FileOperations.system());
    }

    private List<Path> left() throws IOException {
        try (var entries = Files.list(nvmePath)) {
            return entries.toList();
        }
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "no POSIX permissions")
    void directoriesAreForTheirOwnerOnly() throws IOException {
        try (StoreDirectory directory = open("run", 1)) {
            assertEquals(nvmePath.resolve("ds-run/rank-0001-of-0002"), directory.path());
            for (Path path : List.of(directory.path(), directory.path().getParent())) {
                assertEquals(
                        "rwx------",
                        PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
            }
        }
        assertEquals(List.of(), left());
    }

    @Test
    void aStoreIsLockedBeforeItSaysWhoseItIs() {
        List<String> renamed = new ArrayList<>();
        FileOperations watched =
                (FileOperations)
                        Proxy.newProxyInstance(
                                StoreLifeCycleTest.class.getClassLoader(),
                                new Class<?>[] {FileOperations.class},
                                (_, method, arguments) -> {
                                    if (method.getName().equals("rename")) {
                                        Path to = (Path) arguments[1];
                                        boolean locked = Files.exists(to.resolveSibling("lock"));
                                        renamed.add(to.getFileName() + " locked=" + locked);
                                    }
                                    return method.invoke(FileOperations.system(), arguments);
                                });
        StoreDirectory.open(
                        new StoreLocation(nvmePath, "run", 0, 1),
                        StorageProviders.portable(),
                        watched)
                .close();
        assertEquals(List.of("owner locked=true"), renamed);
    }

    @Test
    void ranksOfOneProcessKeepTheirStoresThroughEachOthersOpenAndClose() throws IOException {
        StoreDirectory first = open("run", 0);
        StoreDirectory second = open("run", 1);
        StoreDirectory other = open("other", 0);
        assertTrue(Files.exists(first.path().resolve("lock")));
        first.close();
        assertTrue(Files.exists(second.path().resolve("lock")));
        second.close();
        other.close();
        other.close();
        assertEquals(List.of(), left());
    }

    @Test
    void theSameStoreTwiceIsRefused() {
        try (StoreDirectory first = open("run", 0)) {
            StorageException failure = assertThrows(StorageException.class, () -> open("run", 0));
            assertEquals(
                    "The offload store "
                            + first.path()
                            + " is there already and belongs to process "
                            + ProcessHandle.current().pid()
                            + "; end that run, or use another nvme_path.",
                    failure.getMessage());
            assertTrue(Files.exists(first.path().resolve("owner")));
        }
    }

    @Test
    void aLinkInPlaceOfTheRunsDirectoryIsRefused(@TempDir Path elsewhere) throws IOException {
        Files.createSymbolicLink(nvmePath.resolve("ds-run"), elsewhere);
        StorageException failure = assertThrows(StorageException.class, () -> open("run", 0));
        assertEquals(
                nvmePath.resolve("ds-run")
                        + " is a link or a file, not a directory; remove it or use another nvme_path.",
                failure.getMessage());
        try (var entries = Files.list(elsewhere)) {
            assertEquals(0, entries.count());
        }
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "no POSIX owners")
    void somebodyElsesDirectoryIsRefused() throws IOException {
        Path run = Files.createDirectory(nvmePath.resolve("ds-run"));
        boolean given;
        try {
            Files.setAttribute(run, "unix:uid", 12_345);
            given = true;
        } catch (IOException e) {
            given = false;
        }
        assumeTrue(given, "only root can give a directory away");
        StorageException failure = assertThrows(StorageException.class, () -> open("run", 0));
        assertEquals(
                "The directory "
                        + run
                        + " belongs to 12345, not to this user; remove it or use another nvme_path.",
                failure.getMessage());
        try (var entries = Files.list(run)) {
            assertEquals(0, entries.count());
        }
    }

    @Test
    void anNvmePathThatIsAFileIsRefused() throws IOException {
        Path file = Files.writeString(nvmePath.resolve("file"), "x");
        StorageException failure =
                assertThrows(
                        StorageException.class,
                        () ->
                                StoreDirectory.open(
                                        new StoreLocation(file, "run", 0, 1),
                                        StorageProviders.portable(),
                                        FileOperations.system()));
        assertTrue(
                String.valueOf(failure.getMessage())
                        .endsWith("make nvme_path a directory that this user may write."),
                failure.getMessage());
    }

    @Test
    void aRunIdIsOnePlainName() {
        for (String wrong : List.of("", "..", "a/b", "-x", "a b")) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new StoreLocation(nvmePath, wrong, 0, 1),
                    wrong);
        }
    }

    @Test
    void aKilledProcessesStoreIsReclaimedAndALiveOnesIsLeftAlone() throws Exception {
        Process killed = child("killed");
        Process living = child("living");
        try {
            Path deadStore = nvmePath.resolve("ds-killed/rank-0000-of-0001");
            Path liveStore = nvmePath.resolve("ds-living/rank-0000-of-0001");
            assertTrue(Files.exists(deadStore.resolve("master.bin")));
            killed.destroyForcibly();
            assertTrue(killed.waitFor(30, TimeUnit.SECONDS));
            assertTrue(Files.exists(deadStore.resolve("master.bin")), "a kill cleans nothing up");
            try (StoreDirectory own = open("next", 0)) {
                assertFalse(Files.exists(deadStore.getParent()), "reclaimed");
                assertTrue(Files.exists(liveStore.resolve("master.bin")), "left alone");
                assertTrue(Files.exists(own.path()));
            }
            living.getOutputStream().close(); // ends in order
            assertTrue(living.waitFor(30, TimeUnit.SECONDS));
            assertEquals(0, living.exitValue());
            assertEquals(List.of(), left());
        } finally {
            killed.destroyForcibly();
            living.destroyForcibly();
        }
    }

    @Test
    void aStoreThatCommittedOrIsOfAnotherVersionIsNeverReclaimed() throws IOException {
        Path store = Files.createDirectories(nvmePath.resolve("ds-old/rank-0000-of-0001"));
        Files.writeString(store.resolve("lock"), "");
        for (String owner :
                List.of(
                        "format=1\ncommits=3\npid=1\nboot=none\nstart=0\n",
                        "format=9\ncommits=0\npid=1\nboot=none\nstart=0\n")) {
            Files.writeString(store.resolve("owner"), owner);
            open("run", 0).close();
            assertTrue(Files.exists(store.resolve("owner")), owner);
        }
        Files.writeString(
                store.resolve("owner"), "format=1\ncommits=0\npid=1\nboot=none\nstart=0\n");
        open("run", 0).close();
        assertEquals(List.of(), left());
    }

    /** Starts a JVM that makes a store, says so, and waits for the end of its input. */
    private Process child(String run) throws IOException {
        List<String> paths = new ArrayList<>();
        for (String property : List.of("jdk.module.path", "java.class.path")) {
            String path = System.getProperty(property, "");
            if (!path.isEmpty()) {
                paths.add(path);
            }
        }
        paths.add(Path.of(System.getProperty("basedir", ""), "target", "test-classes").toString());
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-cp",
                                String.join(File.pathSeparator, paths),
                                Child.class.getName(),
                                nvmePath.toString(),
                                run)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        assertEquals("ready", output.readLine());
        return process;
    }

    /** The other process of a test. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) throws IOException {
            StoreLocation location = new StoreLocation(Path.of(arguments[0]), arguments[1], 0, 1);
            StateLayout layout = new StateLayout(List.of("master"), List.of(4096L));
            try (RankMemory memory = new RankMemory(HostMemories.portable());
                    HostDevice device = new HostDevice();
                    StoreDirectory directory =
                            StoreDirectory.open(
                                    location,
                                    StorageProviders.portable(),
                                    FileOperations.system());
                    StateStore store =
                            StateStores.onNvme(
                                    layout,
                                    memory,
                                    device,
                                    directory,
                                    PipelineSettings.DEFAULT,
                                    StoreTerms.IN_PLACE)) {
                store.step((first, length) -> List.of(), (first, resident, stored) -> {});
                System.out.write("ready\n".getBytes(StandardCharsets.UTF_8));
                System.out.flush();
                while (System.in.read() >= 0) {
                    continue;
                }
            }
        }
    }
}
