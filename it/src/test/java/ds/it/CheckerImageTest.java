package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The configuration reader alone makes a program, and an image with nothing else in it. */
class CheckerImageTest {
    private static final Path JDK = Path.of(System.getProperty("java.home"));
    private static final Path HOME = JavaPrograms.example("check-config");

    @TempDir private Path directory;

    @Test
    void anImageOfTheReaderAloneChecksFiles() throws Exception {
        Path jlink = JDK.resolve("bin", "jlink");
        assumeTrue(Files.exists(jlink), "this JDK has no jlink");
        Path image = directory.resolve("checker");
        Programs.Outcome linked =
                Programs.run(
                        directory,
                        List.of(
                                jlink.toString(),
                                "--module-path",
                                modulePath(),
                                "--add-modules",
                                "example.check",
                                "--strip-debug",
                                "--no-header-files",
                                "--no-man-pages",
                                "--output",
                                image.toString()));
        assertEquals(0, linked.status(), linked.err() + linked.out());
        String java = image.resolve("bin", "java").toString();

        Set<String> modules =
                Programs.run(directory, List.of(java, "--list-modules"))
                        .out()
                        .lines()
                        .map(line -> line.replaceFirst("@.*", ""))
                        .collect(Collectors.toSet());
        assertEquals(
                Set.of("java.base", "ds.core", "ds.config", "tools.jackson.core", "example.check"),
                modules);

        Programs.Outcome good = check(java, "{train_batch_size: 8, bfloat16: {enabled: true}}");
        assertEquals(0, good.status(), good.err());
        assertTrue(good.out().startsWith("warning: There is no optimizer: "), good.out());
        assertTrue(
                good.out()
                        .endsWith(
                                """

                                {
                                  "train_batch_size": 8,
                                  "bf16": {
                                    "enabled": true
                                  }
                                }
                                """),
                good.out());
        Programs.Outcome bad = check(java, "{\"train_batch_size\": 8, \"gradient_cliping\": 1}");
        assertEquals(2, bad.status(), bad.err());
        assertTrue(bad.out().contains("Did you mean 'gradient_clipping'?"), bad.out());
    }

    private Programs.Outcome check(String java, String text) throws Exception {
        Path file = Files.writeString(directory.resolve("ds_config.json"), text);
        return Programs.run(
                directory,
                List.of(java, "-m", "example.check/example.check.Check", file.toString()));
    }

    /** Returns the compiled reader, what it needs, and the example. */
    private static String modulePath() {
        List<String> path = new ArrayList<>();
        for (String module : List.of("ds.core", "ds.config", "tools.jackson.core")) {
            path.add(
                    Path.of(
                                    ModuleLayer.boot()
                                            .configuration()
                                            .findModule(module)
                                            .orElseThrow()
                                            .reference()
                                            .location()
                                            .orElseThrow())
                            .toString());
        }
        path.add(HOME.resolve("target", "classes").toString());
        return String.join(File.pathSeparator, path);
    }

    @Test
    void theGuideShowsTheLinesThatRun() throws Exception {
        Matcher block =
                Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                        .matcher(Files.readString(Reactor.ROOT.resolve("docs/config-library.md")));
        assertTrue(block.find(), "the guide has its lines");
        List<String> shown = block.group(1).lines().map(String::strip).toList();
        assertEquals(5, shown.size(), "five lines");
        String program =
                Files.readString(HOME.resolve("src/main/java/example/check/Check.java"))
                        .lines()
                        .map(String::strip)
                        .collect(Collectors.joining("\n"));
        assertTrue(program.contains(String.join("\n", shown)), program);
    }
}
