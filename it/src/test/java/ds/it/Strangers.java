package ds.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/** Jars of strangers: one module each, with one provider that somebody got wrong. */
final class Strangers {
    private static final String OPTIMIZER =
            """
            package %1$s;
            import ds.optim.spi.*;
            final class Aid { static void help() {} }
            public final class Stranger implements OptimizerProvider {
                %2$s
                @Override public String name() { %3$s }
                @Override public java.util.List<ds.core.KeyDeclaration> settings() { return java.util.List.of(); }
                @Override public Optimizer create(ds.core.Settings params) { throw new AssertionError(); }
            }
            """;
    private static final String SCHEDULE =
            """
            package %1$s;
            import ds.optim.spi.*;
            final class Aid { static void help() {} }
            public final class Stranger implements ScheduleProvider {
                %2$s
                @Override public String name() { %3$s }
                @Override public java.util.List<ds.core.KeyDeclaration> settings() { return java.util.List.of(); }
                @Override public Schedule create(ds.core.Settings params, Hyper base) { throw new AssertionError(); }
            }
            """;

    private Strangers() {}

    /** An optimizer's module: what it requires, its provider's members and the body of its name. */
    static void optimizer(Path jar, String module, String requires, String members, String name)
            throws IOException {
        pack(jar, module, requires, "Optimizer", OPTIMIZER.formatted(module, members, name));
    }

    /** A schedule's module, as above. */
    static void schedule(Path jar, String module, String members, String name) throws IOException {
        pack(jar, module, "", "Schedule", SCHEDULE.formatted(module, members, name));
    }

    private static void pack(
            Path jar, String module, String requires, String contract, String provider)
            throws IOException {
        Path work = Files.createTempDirectory("stranger");
        Path descriptor = work.resolve("module-info.java");
        Path code = work.resolve("Stranger.java");
        Files.writeString(
                descriptor,
                "module %s { requires ds.optim.spi; requires ds.core; %s provides ds.optim.spi.%sProvider with %s.Stranger; }"
                        .formatted(module, requires, contract, module));
        Files.writeString(code, provider);
        Path classes = work.resolve("classes");
        compile(classes, descriptor, code);
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file);
                Stream<Path> files = Files.walk(classes)) {
            for (Path each : files.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(
                        new ZipEntry(
                                classes.relativize(each)
                                        .toString()
                                        .replace(File.separatorChar, '/')));
                Files.copy(each, out);
            }
        }
    }

    private static void compile(Path classes, Path descriptor, Path code) {
        String path =
                Stream.of("ds.core", "ds.kernels", "ds.optim.spi")
                        .map(name -> Reactor.classes().get(name).toString())
                        .collect(Collectors.joining(File.pathSeparator));
        var said = new StringWriter();
        List<String> arguments =
                List.of(
                        "-proc:none",
                        "-nowarn",
                        "-d",
                        classes.toString(),
                        "-p",
                        path,
                        descriptor.toString(),
                        code.toString());
        int status =
                ToolProvider.findFirst("javac")
                        .orElseThrow()
                        .run(
                                new PrintWriter(said),
                                new PrintWriter(said),
                                arguments.toArray(String[]::new));
        assertTrue(status == 0, said::toString);
    }
}
