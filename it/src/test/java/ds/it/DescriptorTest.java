package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What a module shows to others is a decision: it changes together with its golden file. After an
 * intended change, {@code ./mvnw verify -Dds.golden.update=true} rewrites the files.
 */
class DescriptorTest {
    private static final Path GOLDEN = Reactor.ROOT.resolve("testdata", "descriptors");
    private static final boolean UPDATE = Boolean.getBoolean("ds.golden.update");

    private final Map<String, Path> classes = Reactor.classes();

    @TestFactory
    Stream<DynamicTest> eachDescriptorIsItsGoldenFile() {
        return classes.keySet().stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> compare(descriptor(name))));
    }

    @Test
    void eachGoldenFileHasItsModule() throws IOException {
        try (Stream<Path> files = Files.list(GOLDEN)) {
            Set<String> golden =
                    files.map(f -> f.getFileName().toString().replaceFirst("\\.txt$", ""))
                            .collect(Collectors.toCollection(TreeSet::new));
            assertEquals(classes.keySet(), golden);
        }
    }

    @Test
    void onlyTheEngineAndWhatRestsOnItReadConfiguration() {
        Set<String> direct =
                classes.keySet().stream()
                        .filter(name -> requires(name).contains("ds.config"))
                        .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(Set.of("ds.engine"), direct);
        for (String name : List.of("ds.zero", "ds.optim.builtin", "ds.foreign", "ds.testkit")) {
            Set<String> reached = new TreeSet<>();
            reach(name, reached);
            assertTrue(!reached.contains("ds.config"), name + " reaches " + reached);
        }
    }

    @TestFactory
    Stream<DynamicTest> theServiceFilesSayWhatTheDescriptorSays() {
        return classes.keySet().stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> compareServiceFiles(name)));
    }

    private void compareServiceFiles(String name) throws IOException {
        Map<String, List<String>> provided = new TreeMap<>();
        descriptor(name).provides().forEach(p -> provided.put(p.service(), p.providers()));
        Map<String, List<String>> written = new TreeMap<>();
        Path services = classes.get(name).resolve("META-INF", "services");
        if (Files.isDirectory(services)) {
            try (Stream<Path> files = Files.list(services)) {
                for (Path file : files.toList()) {
                    written.put(file.getFileName().toString(), Files.readAllLines(file));
                }
            }
        }
        assertEquals(
                provided,
                written,
                "The service files of %s differ from its descriptor; its pom must name exec-maven-plugin, and a clean build drops old files."
                        .formatted(name));
    }

    private void reach(String name, Set<String> reached) {
        for (String required : requires(name)) {
            if (classes.containsKey(required) && reached.add(required)) {
                reach(required, reached);
            }
        }
    }

    private Set<String> requires(String name) {
        return descriptor(name).requires().stream()
                .map(ModuleDescriptor.Requires::name)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private ModuleDescriptor descriptor(String name) {
        return ModuleFinder.of(classes.get(name)).find(name).orElseThrow().descriptor();
    }

    private static void compare(ModuleDescriptor module) throws IOException {
        Path file = GOLDEN.resolve(module.name() + ".txt");
        String now = describe(module);
        if (UPDATE) {
            Files.createDirectories(GOLDEN);
            Files.writeString(file, now);
        }
        assertTrue(
                Files.exists(file),
                () -> "There is no %s; write it with -Dds.golden.update=true.".formatted(file));
        assertEquals(Files.readString(file), now);
    }

    private static String describe(ModuleDescriptor module) {
        List<String> lines = new ArrayList<>();
        module.requires().stream()
                .sorted(Comparator.comparing(ModuleDescriptor.Requires::name))
                .filter(r -> !r.modifiers().contains(ModuleDescriptor.Requires.Modifier.MANDATED))
                .forEach(r -> lines.add("requires " + modifiers(r) + r.name()));
        module.exports().stream()
                .sorted()
                .forEach(e -> lines.add("exports " + e.source() + targets(e.targets())));
        module.opens().stream()
                .sorted()
                .forEach(o -> lines.add("opens " + o.source() + targets(o.targets())));
        module.uses().stream().sorted().forEach(u -> lines.add("uses " + u));
        module.provides().stream()
                .sorted()
                .forEach(
                        p ->
                                p.providers().stream()
                                        .sorted()
                                        .forEach(
                                                with ->
                                                        lines.add(
                                                                "provides %s with %s"
                                                                        .formatted(
                                                                                p.service(),
                                                                                with))));
        String open = module.isOpen() ? "open " : "";
        return "%smodule %s%n%s%n"
                .formatted(open, module.name(), String.join("\n", lines))
                .replace("\r", "");
    }

    private static String modifiers(ModuleDescriptor.Requires requires) {
        return requires.modifiers().stream()
                .sorted()
                .map(m -> m.name().toLowerCase(java.util.Locale.ROOT) + " ")
                .collect(Collectors.joining());
    }

    private static String targets(Set<String> targets) {
        return targets.isEmpty() ? "" : " to " + new TreeSet<>(targets);
    }
}
