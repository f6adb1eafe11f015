package ds.offload;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Whose a store is: a small text file beside the lock. It is read before the lock is touched, since
 * on POSIX systems closing <em>any</em> channel on a file drops all locks this process has on it.
 *
 * @param pid the process; 0 once it has left the store in order
 * @param bootId the boot of the machine in which that process ran
 * @param startMillis when the process began, or 0 where the system does not tell; tells a reused
 *     process id apart (in a container it is always the same small number)
 * @param use what the store is for
 * @param released whether its run has ended in order and needs it no more
 * @param backend what its files are open with, or were last; empty where a version wrote it that did
 *     not say
 */
record StoreOwner(
        long pid,
        String bootId,
        long startMillis,
        StoreUse use,
        boolean released,
        Optional<String> backend) {
    static final String FILE = "owner";

    private static final String FORMAT = "2";

    /** Format 1 knew no commits: whatever it describes was written in place. */
    private static final String FORMAT_IN_PLACE = "1";

    private static final String CRC = "crc32c";
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    /** Returns this process, which opens the files with {@code backend}. */
    static StoreOwner current(StoreUse use, String backend) {
        ProcessHandle self = ProcessHandle.current();
        return new StoreOwner(
                self.pid(), currentBoot(), startMillis(self), use, false, Optional.of(backend));
    }

    /** Returns nobody: the process has left. */
    StoreOwner left() {
        return new StoreOwner(0, bootId, 0, use, released, backend);
    }

    /** Returns this owner, which needs the store no more. */
    StoreOwner release() {
        return new StoreOwner(pid, bootId, startMillis, use, true, backend);
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
     * @return empty if the file is not there, is damaged, or was written by a version this one does
     *     not know
     */
    static Optional<StoreOwner> read(Path rankDirectory) {
        Map<String, String> values = new HashMap<>();
        try {
            String text = Files.readString(rankDirectory.resolve(FILE), StandardCharsets.UTF_8);
            for (String line : text.lines().toList()) {
                int at = line.indexOf('=');
                if (at > 0) {
                    values.put(line.substring(0, at), line.substring(at + 1));
                }
            }
            if (FORMAT_IN_PLACE.equals(values.get("format"))) {
                return "0".equals(values.get("commits"))
                        ? Optional.of(parse(values, StoreUse.IN_PLACE))
                        : Optional.empty();
            }
            int end = text.indexOf(CRC);
            if (!FORMAT.equals(values.get("format"))
                    || end < 0
                    || !text.substring(end).equals(seal(text.substring(0, end)))) {
                return Optional.empty();
            }
            return StoreUse.named(values.getOrDefault("use", "")).map(use -> parse(values, use));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static StoreOwner parse(Map<String, String> values, StoreUse use) {
        return new StoreOwner(
                Long.parseLong(values.getOrDefault("pid", "")),
                values.getOrDefault("boot", ""),
                Long.parseLong(values.getOrDefault("start", "")),
                use,
                Boolean.parseBoolean(values.getOrDefault("released", "false")),
                Optional.ofNullable(values.get("backend")));
    }

    private static String seal(String text) {
        CRC32C crc = new CRC32C();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return "%s=%08x\n".formatted(CRC, crc.getValue());
    }

    /** Writes this owner, whole or not at all. */
    void write(Path rankDirectory, FileOperations files) throws IOException {
        String text =
                "format=%s\nuse=%s\npid=%d\nboot=%s\nstart=%d\nreleased=%s\n"
                                .formatted(FORMAT, use.word(), pid, bootId, startMillis, released)
                        + backend.map("backend=%s\n"::formatted).orElse("");
        WholeFile.write(rankDirectory, FILE, text + seal(text), files, use == StoreUse.DURABLE);
    }

    /** Returns who has the store open and how, for a message to somebody who wants {@code other}. */
    String user(String other) {
        return "process %d%s"
                .formatted(
                        pid,
                        backend.map(
                                        name ->
                                                name.equals(other)
                                                        ? ", with the backend '%s'".formatted(name)
                                                        : ", with the backend '%s', and a store is open with one backend at a time, not with '%s' too"
                                                                .formatted(name, other))
                                .orElse(""));
    }

    /** Returns whether that process is known to run on this machine; if not, the lock decides. */
    boolean runs() {
        if (pid == 0 || !bootId.equals(currentBoot())) {
            return false;
        }
        return ProcessHandle.of(pid)
                .filter(ProcessHandle::isAlive)
                .filter(process -> startMillis == 0 || startMillis(process) == startMillis)
                .isPresent();
    }
}
