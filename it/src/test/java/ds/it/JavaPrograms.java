package ds.it;

import java.io.File;
import java.lang.module.ResolvedModule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Command lines of the examples, as a user starts them: the runtime's modules and their own. */
final class JavaPrograms {
    private static final Path EXAMPLES = Reactor.ROOT.resolve("examples");
    private static final Set<String> LEFT_OUT =
            Set.of("ds.benchmarks", "ds.cli", "ds.foreign", "ds.it", "ds.testkit");
    private static final Set<String> LIBRARIES = Set.of("com.lmax.disruptor", "tools.jackson.core");

    private JavaPrograms() {}

    /** Returns the directory of one example. */
    static Path example(String directory) {
        return EXAMPLES.resolve(directory);
    }

    /** Returns the command that runs {@code main}, given as module/class, of one example. */
    static List<String> command(String directory, String main, Object... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        command.addAll(List.of("--module-path", modulePath(directory), "--module", main));
        Stream.of(arguments).map(Object::toString).forEach(command::add);
        return command;
    }

    private static String modulePath(String directory) {
        Path own = example(directory).resolve("target").resolve("classes");
        return Stream.concat(runtime(), Stream.of(own.toString()))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static Stream<String> runtime() {
        return ModuleLayer.boot().configuration().modules().stream()
                .map(ResolvedModule::reference)
                .filter(module -> isWanted(module.descriptor().name()))
                .map(module -> Path.of(module.location().orElseThrow()).toString());
    }

    private static boolean isWanted(String module) {
        return LIBRARIES.contains(module) || module.startsWith("ds.") && !LEFT_OUT.contains(module);
    }
}
