package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A service that has no modules embeds the same jars on its class path, and finds the same. */
class ClassPathTest {
    @TempDir Path directory;

    /** Runs {@link Providers} with one more jar, in which {@code change} has been made. */
    private Programs.Outcome withBroken(Change change) throws Exception {
        Path jar = directory.resolve("bad.jar");
        Strangers.optimizer(jar, "bad", "", "{ Aid.help(); }", "return \"bad\";");
        try (FileSystem inside = FileSystems.newFileSystem(jar)) {
            Path services = Files.createDirectories(inside.getPath("META-INF", "services"));
            Files.writeString(services.resolve("ds.optim.spi.OptimizerProvider"), "bad.Stranger\n");
            change.in(inside);
        }
        return run(jar);
    }

    private interface Change {
        void in(FileSystem jar) throws IOException;
    }

    @Test
    void aClassThatIsMissingIsNamedWithTheJar() throws Exception {
        Programs.Outcome outcome = withBroken(jar -> Files.delete(jar.getPath("bad/Aid.class")));
        assertSaid(
                outcome,
                "The optimizer provider bad.Stranger of the class path (%s) cannot be created: java.lang.NoClassDefFoundError: bad/Aid. Add the module or jar that holds this class. Remove or repair that module."
                        .formatted(directory.resolve("bad.jar")));
    }

    @Test
    void aClassOfANewerJavaIsNamed() throws Exception {
        Programs.Outcome outcome =
                withBroken(
                        jar -> {
                            Path provider = jar.getPath("bad/Stranger.class");
                            byte[] code = Files.readAllBytes(provider);
                            ByteBuffer.wrap(code).putShort(6, (short) 99);
                            Files.write(provider, code);
                        });
        assertSaid(
                outcome,
                "Cannot read the optimizer providers: java.lang.UnsupportedClassVersionError: bad/Stranger");
        assertSaid(
                outcome,
                "Compile it with --release %d or lower, or run a newer Java."
                        .formatted(Runtime.version().feature()));
    }

    private static void assertSaid(Programs.Outcome outcome, String what) {
        assertEquals(1, outcome.status());
        assertTrue(outcome.err().contains("ds.core.ProviderException: "), outcome.err());
        assertTrue(outcome.err().contains(what), outcome.err());
    }

    @Test
    void theSameProvidersAreFoundOnTheClassPath() throws Exception {
        Programs.Outcome outcome = run();
        assertEquals(0, outcome.status(), outcome.err());
        assertEquals(Providers.found(), outcome.out());
    }

    @Test
    void theModulePathHasAnOptimizerToFind() {
        assertTrue(Providers.found().contains("adamw"), Providers.found());
    }

    private Programs.Outcome run(Path... more) throws Exception {
        List<Path> path = new ArrayList<>(Reactor.classes().values());
        path.add(Reactor.ROOT.resolve("it", "target", "test-classes"));
        path.addAll(List.of(more));
        return Programs.run(
                directory,
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-cp",
                        path.stream()
                                .map(Path::toString)
                                .collect(Collectors.joining(File.pathSeparator)),
                        "ds.it.Providers"));
    }
}
