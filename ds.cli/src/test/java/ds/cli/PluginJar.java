package ds.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/** Modules of strangers, compiled here; each provides an optimizer, so that it is taken. */
final class PluginJar {
    private static final String PROVIDER =
            """
            package %s;
            public final class Stranger implements ds.optim.spi.OptimizerProvider {
                @Override public String name() { return "%s"; }
                @Override public java.util.List<ds.core.KeyDeclaration> settings() { return java.util.List.of(); }
                @Override public ds.optim.spi.Optimizer create(ds.core.Settings params) {
                    throw new AssertionError();
                }
            }
            """;

    private PluginJar() {}

    /** Leaves in {@code jar} the module {@code name}, its class in {@code home}. */
    static Path of(Path jar, String name, String home, String requires, Path... path)
            throws IOException {
        Path work = Files.createTempDirectory(jar.getParent(), "work");
        Path source = Files.createDirectories(work.resolve("src"));
        Path descriptor = source.resolve("module-info.java");
        Path provider = source.resolve("Stranger.java");
        Files.writeString(
                descriptor,
                "module %s { requires ds.optim.spi; requires ds.core; %s exports %s; provides ds.optim.spi.OptimizerProvider with %s.Stranger; }"
                        .formatted(name, requires, home, home));
        Files.writeString(provider, PROVIDER.formatted(home, name));
        Path classes = work.resolve("classes");
        List<String> modules = new ArrayList<>(here());
        Stream.of(path).map(Path::toString).forEach(modules::add);
        compile(
                "-d",
                classes.toString(),
                "-p",
                String.join(java.io.File.pathSeparator, modules),
                descriptor.toString(),
                provider.toString());
        return pack(classes, jar);
    }

    private static List<String> here() {
        return ModuleLayer.boot().configuration().modules().stream()
                .filter(module -> module.name().startsWith("ds."))
                .map(module -> module.reference().location().orElseThrow())
                .map(location -> Path.of(location).toString())
                .toList();
    }

    private static void compile(String... arguments) {
        var said = new StringWriter();
        List<String> all = new ArrayList<>(List.of("-proc:none", "-nowarn"));
        all.addAll(List.of(arguments));
        int status =
                ToolProvider.findFirst("javac")
                        .orElseThrow()
                        .run(
                                new PrintWriter(said),
                                new PrintWriter(said),
                                all.toArray(String[]::new));
        assertTrue(status == 0, said::toString);
    }

    private static Path pack(Path classes, Path jar) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file);
                Stream<Path> files = Files.walk(classes)) {
            for (Path each : files.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(
                        new ZipEntry(classes.relativize(each).toString().replace('\\', '/')));
                Files.copy(each, out);
            }
        }
        return jar;
    }
}
