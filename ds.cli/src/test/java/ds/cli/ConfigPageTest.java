package ds.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.config.CheckOptions;
import ds.config.Explain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * {@code docs/config.md} is what the table of keys and the plug-ins of this installation say. {@code
 * -Dds.golden.update=true} writes it anew.
 */
class ConfigPageTest {
    private static final Path ROOT = root();

    private static Path root() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(at.resolve("docs"))) {
            at = at.getParent();
        }
        return at;
    }

    @Test
    void thePageOfKeysIsThatOfTheTable() throws IOException {
        Path page = ROOT.resolve("docs/config.md");
        String now = ConfigPage.of(Explain.all(Setup.plugins(CheckOptions.none())));
        if (Boolean.getBoolean("ds.golden.update")) {
            Files.writeString(page, now);
        } else {
            assertEquals(now, Files.readString(page), "run with -Dds.golden.update=true");
        }
    }

    @Test
    void theReadmeLeadsToIt() throws IOException {
        assertTrue(Files.readString(ROOT.resolve("README.md")).contains("(docs/config.md)"));
    }
}
