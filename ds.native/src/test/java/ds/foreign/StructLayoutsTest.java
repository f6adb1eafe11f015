package ds.foreign;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ds.foreign.aio.AioStructures;
import ds.foreign.libc.Timespec;
import ds.foreign.uring.UringStructures;
import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every structure has the size and the fields where the C compiler puts them. */
class StructLayoutsTest {
    private static final Map<String, StructLayout> LAYOUTS = layouts();

    @TempDir Path directory = Path.of("");

    private static Map<String, StructLayout> layouts() {
        Map<String, StructLayout> all = new LinkedHashMap<>();
        all.put("struct timespec", Timespec.LAYOUT);
        all.putAll(AioStructures.ALL);
        all.putAll(UringStructures.ALL);
        return all;
    }

    @Test
    void isThatOfTheCompiler() throws IOException, InterruptedException {
        Path source = directory.resolve("layouts.c");
        Files.writeString(source, program());
        Path binary = directory.resolve("layouts");
        assumeTrue(
                run("cc", source.toString(), "-o", binary.toString()).status() == 0,
                "no C compiler with linux/aio_abi.h and linux/io_uring.h here");
        Map<String, String> expected = new TreeMap<>();
        run(binary.toString())
                .output()
                .lines()
                .forEach(
                        line -> {
                            int space = line.lastIndexOf(' ');
                            expected.put(line.substring(0, space), line.substring(space + 1));
                        });
        Map<String, String> actual = new TreeMap<>();
        LAYOUTS.forEach((name, layout) -> describe(name, layout, actual));
        assertEquals(expected, actual);
    }

    private static void describe(String name, StructLayout layout, Map<String, String> into) {
        into.put(name, String.valueOf(layout.byteSize()));
        for (MemoryLayout member : layout.memberLayouts()) {
            String field = member.name().orElseThrow();
            long at = layout.byteOffset(MemoryLayout.PathElement.groupElement(field));
            into.put(name + " " + field, String.valueOf(at));
        }
    }

    private static String program() {
        StringBuilder text =
                new StringBuilder(
                        """
                        #include <stddef.h>
                        #include <stdio.h>
                        #include <sys/uio.h>
                        #include <time.h>
                        #include <linux/aio_abi.h>
                        #include <linux/io_uring.h>
                        int main(void) {
                        """);
        LAYOUTS.forEach(
                (name, layout) -> {
                    text.append("printf(\"%s %%zu\\n\", sizeof(%s));\n".formatted(name, name));
                    for (MemoryLayout member : layout.memberLayouts()) {
                        String field = member.name().orElseThrow();
                        text.append(
                                "printf(\"%s %s %%zu\\n\", offsetof(%s, %s));\n"
                                        .formatted(name, field, name, field));
                    }
                });
        return text.append("return 0; }\n").toString();
    }

    private record Ran(int status, String output) {}

    private Ran run(String... command) throws IOException, InterruptedException {
        Path output = directory.resolve("output.txt");
        Process process;
        try {
            process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
        } catch (IOException e) {
            return new Ran(-1, ""); // no such program
        }
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            return new Ran(-1, "");
        }
        return new Ran(process.exitValue(), Files.readString(output));
    }
}
