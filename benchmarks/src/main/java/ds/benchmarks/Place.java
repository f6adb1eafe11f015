package ds.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A directory of a benchmark's own on the drive that is measured; deleted with all it holds. */
record Place(Path directory) implements AutoCloseable {
    /** The system property that names where files are made; default the temporary directory. */
    static final String DIRECTORY = "ds.benchmarks.directory";

    /** Returns the directory in which places are made. */
    static Path parent() {
        return Path.of(System.getProperty(DIRECTORY, System.getProperty("java.io.tmpdir")));
    }

    static Place create() {
        try {
            return new Place(
                    Files.createTempDirectory(Files.createDirectories(parent()), "ds-benchmarks-"));
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Cannot make a directory in %s; name another with -D%s=DIR."
                            .formatted(parent(), DIRECTORY),
                    e);
        }
    }

    @Override
    public void close() {
        try (Stream<Path> found = Files.walk(directory)) {
            List<Path> deepestFirst = found.sorted(Comparator.reverseOrder()).toList();
            for (Path path : deepestFirst) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot delete %s.".formatted(directory), e);
        }
    }
}
