package ds.optim.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The same providers and the same bits: on either path, with and without the vector module. */
class ModulePathAndClassPathTest {
    private static final List<String> VECTOR = List.of("--add-modules", "jdk.incubator.vector");
    private static final long PATIENCE_SECONDS = 120;

    @Test
    void theClassPathIsEnough() throws Exception {
        run(VECTOR, classPath(), "VectorPasses");
    }

    @Test
    void theClassPathIsEnoughWithoutTheVectorModule() throws Exception {
        run(List.of(), classPath(), "ScalarPasses");
    }

    @Test
    void theModulePathIsEnoughWithoutTheVectorModule() throws Exception {
        List<String> options =
                List.of(
                        "-p",
                        String.join(File.pathSeparator, Modules.locations()),
                        "--patch-module",
                        "ds.optim.builtin=" + testClasses(),
                        "-m",
                        "ds.optim.builtin/" + Probe.class.getName());
        run(List.of(), options, "ScalarPasses");
    }

    private static List<String> classPath() {
        List<String> places = new ArrayList<>(Modules.locations());
        places.add(testClasses());
        return List.of("-cp", String.join(File.pathSeparator, places), Probe.class.getName());
    }

    private static String testClasses() {
        // The test runs as a patched module: its resources still say where a class file lies.
        var file = Probe.class.getResource("Probe.class");
        return Path.of(java.net.URI.create(String.valueOf(file)))
                .resolve("../../../..")
                .normalize()
                .toString();
    }

    private static void run(List<String> options, List<String> program, String passes)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(program);
        command.add(passes);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "still running");
        assertEquals(
                100 + Math.floorMod(Probe.hash("VectorPasses"), 97), process.exitValue(), output);
    }
}
