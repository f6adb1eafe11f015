package ds.foreign.libc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * What the kernel lets this process lock: the soft RLIMIT_MEMLOCK, unless it has CAP_IPC_LOCK.
 *
 * @param bytes empty if there is no limit, or it is not known
 * @param inWords what the kernel says, with the unit
 */
record LockLimit(OptionalLong bytes, String inWords) {
    private static final String LOCKED_MEMORY = "Max locked memory";
    private static final String CAPABILITIES = "CapEff:";
    private static final int CAP_IPC_LOCK = 14;
    private static final int HEXADECIMAL = 16;

    /** Asks the kernel. */
    static LockLimit ofThisProcess() {
        try {
            return of(
                    Files.readAllLines(Path.of("/proc/self/limits")),
                    Files.readAllLines(Path.of("/proc/self/status")));
        } catch (IOException e) {
            return new LockLimit(OptionalLong.empty(), "unknown (%s)".formatted(e.getMessage()));
        }
    }

    /** Reads the lines of a process's {@code limits} and {@code status}. */
    static LockLimit of(List<String> limits, List<String> status) {
        String soft = after(limits, LOCKED_MEMORY);
        if (soft.isEmpty()) {
            return new LockLimit(OptionalLong.empty(), "unknown");
        }
        if (soft.equals("unlimited")) {
            return new LockLimit(OptionalLong.empty(), soft);
        }
        String effective = after(status, CAPABILITIES);
        boolean exempt =
                !effective.isEmpty()
                        && (Long.parseUnsignedLong(effective, HEXADECIMAL) >>> CAP_IPC_LOCK & 1)
                                == 1;
        return new LockLimit(
                exempt ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(soft)),
                soft + " bytes");
    }

    /** Returns the first word behind a name; empty if no line has it. */
    private static String after(List<String> lines, String name) {
        return lines.stream()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(name.length()).strip().split("\\s+")[0])
                .findFirst()
                .orElse("");
    }
}
