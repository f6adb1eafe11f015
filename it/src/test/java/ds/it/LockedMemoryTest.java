package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code pin_memory} locks what the plan says, as the kernel counts it, or the run says why not. */
class LockedMemoryTest {
    private static final int PAGE_BYTES = 4096;
    private static final int ARRAYS_MOST = 64;
    private static final String NATIVE = "--enable-native-access=ALL-UNNAMED";

    @TempDir private Path directory;

    /**
     * What a run printed.
     *
     * @param planned bytes that were to be locked
     * @param said bytes that the runtime says it locked
     * @param counted bytes that the kernel counted then
     * @param hash of the parameters
     * @param left bytes that were locked when the engine was closed
     * @param err what it warned of
     */
    private record Run(long planned, long said, long counted, String hash, long left, String err) {}

    private Run run(List<String> before, String access, String device, String pinned)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(before);
        command.addAll(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        access,
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-cp",
                        KillTest.classPath(),
                        "ds.it.LockedRun",
                        device,
                        directory.resolve("nvme").toString(),
                        pinned));
        Programs.Outcome outcome = Programs.run(directory, command);
        assertEquals(0, outcome.status(), outcome::err);
        String[] lines = outcome.out().split("\n");
        String[] words = lines[0].split(" ");
        return new Run(
                Long.parseLong(words[0]),
                Long.parseLong(words[1]),
                Long.parseLong(words[2]),
                words[3],
                Long.parseLong(lines[1]),
                outcome.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nvme"})
    void theKernelCountsWhatThePlanSays(String device) throws Exception {
        assumeTrue(
                LockedRun.limitBytes() > 1 << 26,
                "the limit of locked memory is below 64 MiB (ulimit -l)");
        Run locked = run(List.of(), NATIVE, device, "true");
        assertTrue(locked.planned() > 100_000, locked::toString);
        assertEquals(locked.planned(), locked.said());
        assertTrue(locked.counted() >= locked.said(), locked::toString);
        assertTrue(locked.counted() <= locked.said() + ARRAYS_MOST * PAGE_BYTES, locked::toString);
        assertEquals(0, locked.left(), "closing the engine gives them back");
        Run unlocked = run(List.of(), NATIVE, device, "false");
        assertEquals(new Run(0, 0, 0, locked.hash(), 0, unlocked.err()), unlocked, "the same bits");
    }

    @Test
    void memoryThatCannotBeLockedIsSaidOnceAndTheRunGoesOn() throws Exception {
        Run refused = run(List.of(), "--illegal-native-access=deny", "cpu", "true");
        assertEquals(0, refused.said());
        assertWarned(refused, "0", "portable memory cannot be locked");
    }

    @Test
    void aLimitThatIsTooLowIsNamed() throws Exception {
        List<String> limited = new ArrayList<>();
        if (LockedRun.limitBytes() == Long.MAX_VALUE) {
            limited.addAll(List.of("setpriv", "--bounding-set", "-ipc_lock", "--"));
        }
        limited.addAll(List.of("prlimit", "--memlock=65536:65536", "--"));
        List<String> nothing = new ArrayList<>(limited);
        nothing.add("true");
        assumeTrue(runs(nothing), () -> "this system cannot run " + nothing);
        Run refused = run(limited, NATIVE, "cpu", "true");
        assertTrue(refused.said() < refused.planned(), refused::toString);
        assertTrue(refused.counted() <= 65_536, refused::toString);
        assertWarned(
                refused,
                "%,d".formatted(refused.said()),
                "the limit of locked memory (ulimit -l) is 65536 bytes");
    }

    private boolean runs(List<String> command) throws InterruptedException {
        try {
            return Programs.run(directory, command).status() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static void assertWarned(Run run, String locked, String why) {
        assertEquals(1, run.err().split("pin_memory: ", -1).length - 1, run::err);
        assertTrue(
                run.err()
                        .contains(
                                "of %,d bytes that all ranks were to lock in memory, %s are locked, since "
                                        .formatted(run.planned(), locked)),
                run::err);
        assertTrue(run.err().contains(why), run::err);
    }
}
