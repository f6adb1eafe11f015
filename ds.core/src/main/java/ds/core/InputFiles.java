package ds.core;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** What a path names that is to be read as a file; reading a pipe that nobody fills never ends. */
public final class InputFiles {
    /** Where the system shows the descriptors that a process was started with. */
    private static final Set<Path> DESCRIPTORS =
            Set.of(Path.of("/dev/fd"), Path.of("/proc/self/fd"));

    private static final Path STANDARD_INPUT = Path.of("/dev/stdin");

    private InputFiles() {}

    /**
     * Returns what {@code path} is, if that is no file: {@code a directory}, or {@code a pipe or a
     * device}. Empty for a file, for what does not exist or may not be seen, and for an open descriptor of this
     * process, such as a shell's {@code <(command)}, which ends.
     */
    public static Optional<String> otherThanFile(Path path) {
        if (Files.isDirectory(path)) {
            return Optional.of("a directory");
        }
        boolean descriptor =
                path.equals(STANDARD_INPUT)
                        || (path.getParent() != null && DESCRIPTORS.contains(path.getParent()));
        return descriptor || Files.isRegularFile(path) || !Files.exists(path)
                ? Optional.empty()
                : Optional.of("a pipe or a device");
    }
}
