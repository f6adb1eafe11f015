package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The image runs by itself, is small, and holds what it says. */
class ImageTest {
    private static final Path IMAGE = Reactor.ROOT.resolve("image", "target", "image");
    private static final long SIZE_LIMIT_BYTES = 60L << 20;

    @TempDir Path directory;

    @BeforeEach
    void imageIsBuilt() {
        assumeTrue(
                Files.exists(IMAGE.resolve("bin", "ds")),
                "image/target/image is not linked; ./mvnw verify does it");
    }

    @Test
    void imageIsSmall() throws IOException {
        long sizeBytes;
        try (Stream<Path> files = Files.walk(IMAGE)) {
            sizeBytes = files.mapToLong(ImageTest::sizeBytes).sum();
        }
        assertTrue(
                sizeBytes <= SIZE_LIMIT_BYTES,
                "%,d bytes, the limit is %,d".formatted(sizeBytes, SIZE_LIMIT_BYTES));
    }

    @Test
    void imageHoldsTheRootsAndNoTests() throws Exception {
        Programs.Outcome outcome = java("--list-modules");
        assertEquals(0, outcome.status(), outcome.err());
        Set<String> modules =
                outcome.out()
                        .lines()
                        .map(line -> line.replaceFirst("@.*", ""))
                        .collect(Collectors.toSet());
        assertTrue(
                modules.containsAll(
                        Set.of(
                                "ds.cli",
                                "ds.engine",
                                "ds.foreign",
                                "ds.optim.builtin",
                                "jdk.incubator.vector",
                                "jdk.jfr")),
                modules.toString());
        assertTrue(
                modules.stream()
                        .noneMatch(m -> m.startsWith("org.junit") || m.equals("ds.testkit")),
                modules.toString());
    }

    private Programs.Outcome java(String... arguments) throws IOException, InterruptedException {
        return Programs.run(
                directory,
                Stream.concat(
                                Stream.of(IMAGE.resolve("bin", "java").toString()),
                                Stream.of(arguments))
                        .toList());
    }

    private static long sizeBytes(Path file) {
        try {
            return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
