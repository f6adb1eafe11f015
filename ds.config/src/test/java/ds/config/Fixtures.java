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
        Path root = given.isEmpty() ? own() : Path.of(given);
        return root.resolve("config");
    }

    /** Returns a page of the repository's own documentation. */
    static String page(String path) {
        try {
            return Files.readString(own().resolveSibling(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path own() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(at.resolve("testdata"))) {
            at = at.getParent();
            if (at == null) {
                throw new IllegalStateException("No testdata folder above the working directory.");
            }
        }
        return at.resolve("testdata");
    }
}
