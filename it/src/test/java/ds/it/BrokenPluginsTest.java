package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The image's launcher says in one line which jar on DS_PLUGINS keeps Java from starting. */
class BrokenPluginsTest {
    private static final Path IMAGE = Reactor.ROOT.resolve("image", "target", "image");

    @TempDir private Path directory;
    private Path jar;

    @BeforeEach
    void aGoodJar() throws IOException {
        assumeTrue(
                Files.exists(IMAGE.resolve("bin", "ds")),
                "image/target/image is not linked; ./mvnw verify does it");
        jar = Files.createDirectory(directory.resolve("plugins")).resolve("good.jar");
        Strangers.optimizer(jar, "good", "", "", "return \"good\";");
    }

    private Programs.Outcome ds(String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of(IMAGE.resolve("bin", "ds").toString()));
        command.addAll(List.of(words));
        return Programs.run(directory, Map.of("DS_PLUGINS", jar.getParent().toString()), command);
    }

    private void assertRefused(String what) throws Exception {
        Programs.Outcome outcome = ds("--version");
        assertEquals(2, outcome.status(), outcome.err());
        assertEquals("ds: " + what + System.lineSeparator(), outcome.err());
        assertEquals("", outcome.out());
    }

    private void assertUnreadable(String what) throws Exception {
        assertRefused(
                "DS_PLUGINS has '%s', which cannot be read: %s.".formatted(jar.getParent(), what));
    }

    @Test
    void aGoodOneIsTakenWithoutAWord() throws Exception {
        Programs.Outcome outcome = ds("--version");
        assertEquals(0, outcome.status(), outcome.err());
        assertEquals("", said(outcome));
    }

    @Test
    void anEmptyJar() throws Exception {
        Files.write(jar, new byte[0]);
        assertUnreadable(
                "Error reading %s: zip file is empty; that file is damaged or no jar: build or copy it again"
                        .formatted(jar));
    }

    @Test
    void aCutJar() throws Exception {
        byte[] whole = Files.readAllBytes(jar);
        Files.write(jar, Arrays.copyOf(whole, whole.length - 100));
        assertUnreadable(
                "Error reading %s: zip END header not found; that file is damaged or no jar: build or copy it again"
                        .formatted(jar));
    }

    @Test
    void aDescriptorOfANewerJava() throws Exception {
        try (FileSystem inside = FileSystems.newFileSystem(jar)) {
            Path descriptor = inside.getPath("module-info.class");
            byte[] code = Files.readAllBytes(descriptor);
            ByteBuffer.wrap(code).putShort(6, (short) 99);
            Files.write(descriptor, code);
        }
        assertUnreadable(
                "Error reading module: %s: Unsupported major.minor version 99.0; compile that module with --release %d or lower, or run a newer Java"
                        .formatted(jar, Runtime.version().feature()));
    }

    @Test
    void twoJarsOfOneModule() throws Exception {
        Files.copy(jar, jar.resolveSibling("copy.jar"));
        Programs.Outcome outcome = ds("--version");
        assertEquals(2, outcome.status(), outcome.err());
        assertTrue(outcome.err().contains("Two versions of module good found in "), outcome.err());
        assertTrue(outcome.err().endsWith("; leave one of them there.\n"), outcome.err());
    }

    @Test
    void aModuleThatIsNotHere() throws Exception {
        Path needy = jar.resolveSibling("needy.jar");
        Strangers.optimizer(needy, "needy", "requires java.sql;", "", "return \"needy\";");
        assertRefused(
                "DS_PLUGINS cannot be used: Module java.sql not found, required by needy (needy is in %s); add the jar that is missing, or leave that module out."
                        .formatted(needy));
    }

    @Test
    void asADocument() throws Exception {
        Files.write(jar, new byte[0]);
        Programs.Outcome outcome = ds("train", "--format", "json");
        assertEquals(2, outcome.status(), outcome.err());
        assertTrue(outcome.out().startsWith("{"), outcome.out());
        assertTrue(outcome.out().contains("which cannot be read"), outcome.out());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                " | throw new ArithmeticException(\"no\"); | failed in name(): java.lang.ArithmeticException: no. Remove or repair that module.",
                " | return null; | returned null from name(). Remove or repair that module.",
                " | return \" \"; | returned \" \" from name(). Remove or repair that module.",
                "{ Aid.help(); } | return \"x\"; | cannot be created: java.lang.NoClassDefFoundError: bad/Aid. Add the module or jar that holds this class. Remove or repair that module.",
                "{ if (name() != null) throw new ArithmeticException(\"no\"); } | return \"x\"; | cannot be created: java.lang.ArithmeticException: no. Remove or repair that module.",
            })
    void aProviderThatIsWrongIsNamed(String members, String name, String what) throws Exception {
        Path bad = jar.resolveSibling("bad.jar");
        for (String kind : List.of("optimizer", "schedule")) {
            String written = members == null ? "" : members;
            if (kind.equals("optimizer")) {
                Strangers.optimizer(bad, "bad", "", written, name);
            } else {
                Strangers.schedule(bad, "bad", written, name);
            }
            try (FileSystem inside = FileSystems.newFileSystem(bad)) {
                Files.delete(inside.getPath("bad/Aid.class"));
            }
            assertNamed(
                    "ds: The %s provider bad.Stranger of module bad %s"
                            .formatted(kind.equals("schedule") ? "scheduler" : kind, what));
        }
    }

    @Test
    void twoOfOneNameAreNamed() throws Exception {
        Strangers.schedule(jar.resolveSibling("bad.jar"), "bad", "", "return \"warmuplr\";");
        assertNamed(
                "ds: Two scheduler providers are named 'WarmupLR', in any case: bad.Stranger in module bad"
                        + " and ds.optim.builtin.WarmupProvider in module ds.optim.builtin."
                        + " Remove one of the modules.");
        Strangers.optimizer(jar.resolveSibling("bad.jar"), "bad", "", "", "return \"GOOD\";");
        assertNamed(
                "ds: Two optimizer providers are named 'good', in any case: bad.Stranger in module bad"
                        + " and good.Stranger in module good. Remove one of the modules.");
    }

    private void assertNamed(String message) throws Exception {
        Programs.Outcome outcome = ds("config", "schema");
        assertEquals(2, outcome.status(), outcome.err());
        assertEquals(message, said(outcome));
        assertEquals("", outcome.out());
    }

    /** Returns what was said, but for what Java says of its own modules. */
    private static String said(Programs.Outcome outcome) {
        return outcome.err()
                .lines()
                .filter(line -> !line.startsWith("WARNING: Using incubator modules"))
                .collect(Collectors.joining("\n"));
    }
}
