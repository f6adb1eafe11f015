import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes {@code META-INF/services} from a compiled module's {@code provides ... with}, so that the
 * same jar works on the class path. The build runs it on the classes directory of each module that
 * provides something; a test compares the two in every jar.
 */
final class ServiceFiles {
    private ServiceFiles() {}

    public static void main(String[] args) throws IOException {
        Path classes = Path.of(args[0]);
        ModuleDescriptor module;
        try (InputStream in = Files.newInputStream(classes.resolve("module-info.class"))) {
            module = ModuleDescriptor.read(in);
        }
        Path services = classes.resolve("META-INF", "services");
        for (ModuleDescriptor.Provides provides : module.provides()) {
            Files.createDirectories(services);
            Files.writeString(
                    services.resolve(provides.service()),
                    String.join("\n", provides.providers()) + "\n");
        }
    }
}
