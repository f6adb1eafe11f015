package ds.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The modules that this build compiled, found by their classes directories. */
final class Reactor {
    /** The repository's root directory. */
    static final Path ROOT = Path.of(System.getProperty("ds.root"));

    /** The modules that may never be missing, whatever else is added. */
    static final List<String> REQUIRED =
            List.of(
                    "ds.benchmarks",
                    "ds.cli",
                    "ds.comm",
                    "ds.config",
                    "ds.core",
                    "ds.engine",
                    "ds.foreign",
                    "ds.kernels",
                    "ds.model",
                    "ds.offload",
                    "ds.optim.builtin",
                    "ds.optim.spi",
                    "ds.testkit",
                    "ds.zero");

    private Reactor() {}

    /** Returns the classes directory of every module of the runtime, by module name. */
    static Map<String, Path> classes() {
        Map<String, Path> found = new TreeMap<>();
        try (Stream<Path> directories = Files.list(ROOT)) {
            directories
                    .map(d -> d.resolve("target", "classes"))
                    .filter(d -> Files.exists(d.resolve("module-info.class")))
                    .forEach(d -> found.put(name(d), d));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (!found.keySet().containsAll(REQUIRED)) {
            throw new IllegalStateException(
                    "Only %s are compiled, %s are needed; run the whole build: ./mvnw verify"
                            .formatted(found.keySet(), REQUIRED));
        }
        return found;
    }

    private static String name(Path classes) {
        return ModuleFinder.of(classes).findAll().iterator().next().descriptor().name();
    }
}
