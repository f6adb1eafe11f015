package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What DS_PLUGINS names and is no module is said, where Java is silent. */
class PluginPathTest {
    private static final String WAY =
            "; name a module's jar, a folder of such jars, or a folder with its module-info.class.";

    @TempDir private Path temporary;

    private static Optional<String> problem(Object path) {
        return PluginPath.problem(path.toString(), ModuleLayer.boot());
    }

    @Test
    void aPathThatIsNotThereIsNamed() {
        Path gone = temporary.resolve("gone");
        assertEquals(
                Optional.of("DS_PLUGINS has '%s', which does not exist%s".formatted(gone, WAY)),
                problem(File.pathSeparator + gone));
    }

    @Test
    void aFolderWithoutModulesIsNamed() {
        assertEquals(
                Optional.of(
                        "DS_PLUGINS has '%s', which holds no module%s".formatted(temporary, WAY)),
                problem(temporary));
    }

    @Test
    void aJarThatNothingUsesIsNamed() throws IOException {
        Path jar = temporary.resolve("nobodys.jar");
        try (OutputStream out = Files.newOutputStream(jar)) {
            new JarOutputStream(out, new java.util.jar.Manifest()).close();
        }
        assertEquals(
                Optional.of(
                        "DS_PLUGINS has '%s', of which nothing is used: nobodys provides nothing that"
                                        .formatted(jar)
                                + " ds looks up, nothing requires it, or a module of that name is"
                                + " here already; a provider needs 'provides ... with' in its"
                                + " module-info.java."),
                problem(jar));
    }

    @Test
    void whatIsUsedPasses() {
        assertEquals(Optional.empty(), problem(""));
    }
}
