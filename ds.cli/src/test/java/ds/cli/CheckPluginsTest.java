package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the virtual machine would not start with is said in our words, with the jar. */
class CheckPluginsTest {
    @TempDir private Path temporary = Path.of("");
    private Path plugins = Path.of("");

    @BeforeEach
    void folder() throws IOException {
        plugins = Files.createDirectory(temporary.resolve("plugins"));
    }

    private static Optional<String> problem(Object path) {
        return CheckPlugins.problem(path.toString(), ModuleLayer.boot());
    }

    private void assertUnreadable(String what) {
        assertEquals(
                Optional.of(
                        "DS_PLUGINS has '%s', which cannot be read: %s.".formatted(plugins, what)),
                problem(plugins));
    }

    @Test
    void whatFitsPasses() throws IOException {
        PluginJar.of(plugins.resolve("a.jar"), "a", "a", "");
        assertEquals(Optional.empty(), problem(plugins));
        assertEquals(Optional.empty(), problem(""));
        assertEquals(Optional.empty(), problem(temporary.resolve("gone")));
    }

    @Test
    void anEmptyJarIsNamed() throws IOException {
        Path jar = Files.createFile(plugins.resolve("a.jar"));
        assertUnreadable(
                "Error reading %s: zip file is empty; that file is damaged or no jar: build or copy it again"
                        .formatted(jar));
    }

    @Test
    void aCutJarIsNamed() throws IOException {
        Path jar = PluginJar.of(plugins.resolve("a.jar"), "a", "a", "");
        byte[] whole = Files.readAllBytes(jar);
        Files.write(jar, Arrays.copyOf(whole, whole.length / 2));
        assertUnreadable(
                "Error reading %s: zip END header not found; that file is damaged or no jar: build or copy it again"
                        .formatted(jar));
    }

    @Test
    void aFileThatIsNoJarIsNamed() throws IOException {
        Path text = Files.writeString(plugins.resolve("a.txt"), "not a jar");
        assertEquals(
                Optional.of(
                        "DS_PLUGINS has '%s', which cannot be read: Module format not recognized: %s; name a module's jar, a folder of such jars, or a folder with its module-info.class."
                                .formatted(text, text)),
                problem(text));
    }

    @Test
    void aDescriptorOfANewerJavaIsNamed() throws IOException {
        Path jar = PluginJar.of(plugins.resolve("a.jar"), "a", "a", "");
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
    void twoJarsOfOneModuleAreNamed() throws IOException {
        PluginJar.of(plugins.resolve("a-1.jar"), "a", "a", "");
        Files.copy(plugins.resolve("a-1.jar"), plugins.resolve("a-2.jar"));
        String message = problem(plugins).orElseThrow();
        String jars = message.contains("(a-1.jar") ? "a-1.jar and a-2.jar" : "a-2.jar and a-1.jar";
        assertUnreadable(
                "Two versions of module a found in %s (%s); leave one of them there"
                        .formatted(plugins, jars));
    }

    @Test
    void aModuleThatIsMissingIsNamedWithTheJarThatWantsIt() throws IOException {
        Path other = PluginJar.of(temporary.resolve("other.jar"), "other", "other", "");
        Path jar = PluginJar.of(plugins.resolve("a.jar"), "a", "a", "requires other;", other);
        assertEquals(
                Optional.of(
                        "DS_PLUGINS cannot be used: Module other not found, required by a (a is in %s); add the jar that is missing, or leave that module out."
                                .formatted(jar)),
                problem(plugins));
        Files.copy(other, plugins.resolve("other.jar"));
        assertEquals(Optional.empty(), problem(plugins));
    }

    @Test
    void aPackageOfTwoModulesIsNamed() throws IOException {
        Path a = PluginJar.of(plugins.resolve("a.jar"), "a", "both", "");
        Path b = PluginJar.of(plugins.resolve("b.jar"), "b", "both", "");
        assertEquals(
                Optional.of(
                        "DS_PLUGINS cannot be used: Package both is in module b and in module a (a is in %s, b is in %s); rename it in your module, or leave that module out."
                                .formatted(a, b)),
                problem(plugins));
    }

    @Test
    void aPackageThatIsHereAlreadyIsNamed() throws IOException {
        Path jar = PluginJar.of(plugins.resolve("a.jar"), "a", "ds.cli", "");
        assertEquals(
                Optional.of(
                        "DS_PLUGINS cannot be used: Package ds.cli is in module a and in module ds.cli (a is in %s); rename it in your module, or leave that module out."
                                .formatted(jar)),
                problem(plugins));
    }
}
