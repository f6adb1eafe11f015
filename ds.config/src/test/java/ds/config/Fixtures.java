package ds.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the test data lie: {@code -Dds.fixtures}, or the repository's own. */
final class Fixtures {
    private Fixtures() {}

    static Path config() {
        String given = System.getProperty("ds.fixtures", "");
        Path root =
                given.isEmpty()
                        ? repository().resolve("testdata")
                        : Path.of(given).toAbsolutePath().normalize();
        return root.resolve("config");
    }

    /** Returns the folder of public projects' files: {@code -Dds.external}, or where it lies. */
    static Path external() {
        String given = System.getProperty("ds.external", "");
        return given.isEmpty()
                ? repository().resolveSibling("shared").resolve("reference/config/external")
                : Path.of(given).toAbsolutePath().normalize();
    }

    /** Returns a page of the repository's own documentation. */
    static String page(String path) {
        try {
            return Files.readString(repository().resolve(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns whether the repository's own test data are read. */
    static boolean own() {
        return config().startsWith(repository());
    }

    /** Returns the root of the repository. */
    static Path repository() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(at.resolve("testdata"))) {
            at = at.getParent();
            if (at == null) {
                throw new IllegalStateException("No testdata folder above the working directory.");
            }
        }
        return at;
    }
}
