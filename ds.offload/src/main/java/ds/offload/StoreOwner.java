package ds.offload;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Who made a store: a small text file beside the lock. It is read before the lock is touched, since
 * on POSIX systems closing <em>any</em> channel on a file drops all locks this process has on it.
 *
 * @param pid the process
 * @param bootId the boot of the machine in which that process ran
 * @param startMillis when the process began, or 0 where the system does not tell; tells a reused
 *     process id apart (in a container it is always the same small number)
 */
record StoreOwner(long pid, String bootId, long startMillis) {
    static final String FILE = "owner";

    private static final String FORMAT = "1";
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    /** Returns this process. */
    static StoreOwner current() {
        ProcessHandle self = ProcessHandle.current();
        return new StoreOwner(self.pid(), currentBoot(), startMillis(self));
    }

    private static long startMillis(ProcessHandle process) {
        return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    }

    private static String currentBoot() {
        try {
            return Files.readString(BOOT_ID, StandardCharsets.US_ASCII).strip();
        } catch (IOException e) {
            return "unknown"; // not Linux: process id, start time and lock have to do
        }
    }

    /**
     * Reads the owner of a store.
     *
     * @return empty if the file is not there, or was written by a version this one does not know
     */
    static Optional<StoreOwner> read(Path rankDirectory) {
        Map<String, String> values = new HashMap<>();
        try {
            for (String line :
                    Files.readAllLines(rankDirectory.resolve(FILE), StandardCharsets.UTF_8)) {
                int at = line.indexOf('=');
                if (at > 0) {
                    values.put(line.substring(0, at), line.substring(at + 1));
                }
            }
            if (!FORMAT.equals(values.get("format")) || !"0".equals(values.get("commits"))) {
                return Optional.empty();
            }
            return Optional.of(
                    new StoreOwner(
                            Long.parseLong(values.getOrDefault("pid", "")),
                            values.getOrDefault("boot", ""),
                            Long.parseLong(values.getOrDefault("start", ""))));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Writes this owner, whole or not at all. */
    void write(Path rankDirectory, FileOperations files) throws IOException {
        Path temporary = rankDirectory.resolve(FILE + ".tmp");
        Files.writeString(
                temporary,
                "format=%s%ncommits=0%npid=%d%nboot=%s%nstart=%d%n"
                        .formatted(FORMAT, pid, bootId, startMillis),
                StandardCharsets.UTF_8);
        files.rename(temporary, rankDirectory.resolve(FILE));
    }

    /** Returns whether that process is known to run on this machine; if not, the lock decides. */
    boolean runs() {
        if (!bootId.equals(currentBoot())) {
            return false;
        }
        return ProcessHandle.of(pid)
                .filter(ProcessHandle::isAlive)
                .filter(process -> startMillis == 0 || startMillis(process) == startMillis)
                .isPresent();
    }
}
