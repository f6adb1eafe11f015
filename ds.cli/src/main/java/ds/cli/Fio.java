package ds.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** The peer of storage measurements: {@code fio}, where it is installed. */
final class Fio {
    private static final String PROGRAM = "fio";

    /** Its buffers in huge pages, as ours are: on some machines that is worth several times the rate. */
    private static final String HUGE_PAGES = "glibc.malloc.hugetlb=1";

    private static final int READ_FIELD = 6;
    private static final int WRITE_FIELD = 47;
    private static final double BYTES_PER_UNIT = 1024;
    private static final long LIMIT_SECONDS = 120;

    private Fio() {}

    /** Returns whether it can be run. */
    static boolean isInstalled() {
        try {
            return new ProcessBuilder(PROGRAM, "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Returns fio's name for what a backend does; direct where that one is. */
    static List<String> engine(String backend) {
        return switch (backend) {
            case "io_uring" ->
                    List.of(
                            "--ioengine=io_uring",
                            "--direct=1",
                            "--fixedbufs=1",
                            "--registerfiles=1");
            case "libaio" -> List.of("--ioengine=libaio", "--direct=1");
            case "mapped" -> List.of("--ioengine=mmap", "--direct=0");
            default -> List.of("--ioengine=psync", "--direct=0");
        };
    }

    /**
     * Moves a whole file once.
     *
     * @return bytes per second, as fio says
     * @throws UserMistakeException if it fails
     */
    static double rate(
            String backend, Path file, long bytes, int blockBytes, int depth, boolean write) {
        List<String> words = new ArrayList<>();
        words.addAll(
                List.of(
                        PROGRAM,
                        "--name=ds",
                        "--filename=" + file,
                        "--size=" + bytes,
                        "--bs=" + blockBytes,
                        "--iodepth=" + depth,
                        "--rw=" + (write ? "write" : "read"),
                        "--overwrite=1",
                        "--invalidate=0",
                        "--output-format=terse",
                        "--terse-version=3"));
        words.addAll(engine(backend));
        try {
            ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
            builder.environment().put("GLIBC_TUNABLES", HUGE_PAGES);
            Process process = builder.start();
            String said =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new UserMistakeException("fio failed: " + said.strip());
            }
            return rate(said, bytes, write);
        } catch (IOException e) {
            throw new UserMistakeException("fio cannot be run: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserMistakeException("Interrupted while fio ran.");
        }
    }

    /**
     * Returns the bandwidth in a terse line of version 3.
     *
     * @throws UserMistakeException if it moved less than {@code bytes}
     */
    static double rate(String said, long bytes, boolean write) {
        for (String line : said.lines().toList()) {
            String[] fields = line.split(";", -1);
            if (line.startsWith("3;") && fields.length > WRITE_FIELD) {
                int field = write ? WRITE_FIELD : READ_FIELD;
                double moved = Double.parseDouble(fields[field - 1]) * BYTES_PER_UNIT;
                if (moved < bytes) {
                    throw new UserMistakeException(
                            String.format(
                                    Locale.ROOT,
                                    "fio moved %,.0f of %,d bytes: %s",
                                    moved,
                                    bytes,
                                    said.strip()));
                }
                return Double.parseDouble(fields[field]) * BYTES_PER_UNIT;
            }
        }
        throw new UserMistakeException(
                String.format(Locale.ROOT, "fio said nothing that can be read: %s", said.strip()));
    }
}
