package ds.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.incubator.vector.FloatVector;

/** What figures were taken on: everything a reader needs in order to compare them, and no path. */
final class Machine {
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
    private static final double GIB = 1L << 30;

    private Machine() {}

    /** Returns lines of a name and a value each. */
    static List<List<String>> describe() {
        Runtime runtime = Runtime.getRuntime();
        List<List<String>> lines = new ArrayList<>();
        lines.add(
                List.of(
                        "processor",
                        "%s, %d cores, vectors of %d bits"
                                .formatted(
                                        processor(),
                                        runtime.availableProcessors(),
                                        FloatVector.SPECIES_PREFERRED.vectorBitSize())));
        lines.add(
                List.of(
                        "memory",
                        String.format(
                                Locale.ROOT, "%.1f GiB", system().getTotalMemorySize() / GIB)));
        lines.add(
                List.of(
                        "system",
                        "%s %s %s, files on %s"
                                .formatted(
                                        System.getProperty("os.name"),
                                        System.getProperty("os.version"),
                                        System.getProperty("os.arch"),
                                        fileSystem())));
        lines.add(
                List.of(
                        "java",
                        "%s %s, %s"
                                .formatted(
                                        System.getProperty("java.vendor.version", ""),
                                        System.getProperty("java.vm.version"),
                                        flags())));
        return lines;
    }

    /** Returns the load average of the last minute, negative where there is none. */
    static double load() {
        return system().getSystemLoadAverage();
    }

    private static OperatingSystemMXBean system() {
        return (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    }

    private static String processor() {
        try (Stream<String> lines = Files.lines(CPU_INFO)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown processor");
        } catch (IOException e) {
            return "unknown processor"; // only Linux has the file
        }
    }

    private static String fileSystem() {
        try {
            return Files.getFileStore(Files.createDirectories(Place.parent())).type();
        } catch (IOException e) {
            return "an unknown file system";
        }
    }

    /** Options of the virtual machine that may change a figure; paths and properties do not. */
    private static String flags() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> flag.startsWith("-X") || flag.startsWith("--add-modules"))
                .collect(Collectors.joining(" "));
    }
}
