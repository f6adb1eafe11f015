package ds.kernels.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.kernels.Kernels;
import ds.kernels.Workers;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Conversions agree with PyTorch's on the recorded patterns, by scalar code and by vectors. */
class RoundingTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("ds.fixtures", "../testdata")).resolve("golden");
    private static final List<String> CASES =
            List.of("special", "random_bits", "bf16_ties", "fp16_ties", "fp16_plus_ulp");

    private static String manifest;
    private static ByteBuffer values;

    @BeforeAll
    static void read() throws IOException {
        manifest = Files.readString(GOLDEN.resolve("rounding.json"));
        values =
                ByteBuffer.wrap(Files.readAllBytes(GOLDEN.resolve("rounding.bin")))
                        .order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns the 32-bit values of a tensor of the manifest. */
    private static int[] tensor(String name) {
        Matcher entry =
                Pattern.compile(
                                "\""
                                        + name
                                        + "\":\\s*\\{[^}]*\"offset\":\\s*(\\d+),"
                                        + "\\s*\"nbytes\":\\s*(\\d+)")
                        .matcher(manifest);
        assertTrue(entry.find(), "no tensor " + name);
        int[] tensor = new int[Integer.parseInt(entry.group(2)) / 4];
        values.slice(Integer.parseInt(entry.group(1)), tensor.length * 4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(tensor);
        return tensor;
    }

    private static void withBothLanes(Consumer<Kernels> check) {
        for (Supplier<Lanes> lanes :
                List.<Supplier<Lanes>>of(Lanes::new, () -> new VectorLanes(0))) {
            try (Workers workers = new Workers("rounding", 1)) {
                check.accept(new HostKernels(workers, lanes));
            }
        }
    }

    private static void assertNarrows(Kernels kernels, String name, DType type, String expected) {
        int[] bits = tensor(name + "/in");
        int[] wanted = tensor(name + "/" + expected);
        FlatBuffer from = Buffers.zeros(DType.FP32, bits.length);
        for (int i = 0; i < bits.length; i++) {
            from.segment().set(ValueLayout.JAVA_INT_UNALIGNED, i * 4L, bits[i]);
        }
        FlatBuffer to = Buffers.zeros(type, bits.length);
        kernels.convert(from, to);
        for (int i = 0; i < bits.length; i++) {
            String at = name + " " + type + " of bits " + Integer.toHexString(bits[i]);
            int actual = Short.toUnsignedInt(to.segment().get(FlatBuffer.SHORT, i * 2L));
            float value = Float.intBitsToFloat(bits[i]);
            if (Float.isNaN(value)) {
                assertTrue(Float.isNaN(to.get(i)), at);
            } else {
                assertEquals(wanted[i], actual, at);
            }
            short scalar = type == DType.BF16 ? Rounding.toBf16(value) : Rounding.toFp16(value);
            assertEquals(Short.toUnsignedInt(scalar), actual, at);
        }
    }

    @Test
    void narrowingRoundsToNearestEven() {
        withBothLanes(
                kernels -> {
                    for (String name : CASES) {
                        assertNarrows(kernels, name, DType.BF16, "bf16");
                        assertNarrows(kernels, name, DType.FP16, "f16");
                    }
                });
    }

    @Test
    void wideningIsExactForAllPatterns() {
        withBothLanes(
                kernels -> {
                    assertWidens(kernels, DType.BF16, "widen/bf16_to_f32");
                    assertWidens(kernels, DType.FP16, "widen/f16_to_f32");
                });
    }

    private static void assertWidens(Kernels kernels, DType type, String name) {
        int[] wanted = tensor(name);
        FlatBuffer from = Buffers.zeros(type, wanted.length);
        for (int i = 0; i < wanted.length; i++) {
            from.segment().set(FlatBuffer.SHORT, i * 2L, (short) i);
        }
        FlatBuffer to = Buffers.zeros(DType.FP32, wanted.length);
        kernels.convert(from, to);
        for (int i = 0; i < wanted.length; i++) {
            // Compared as values: the payload of a NaN is not specified.
            assertEquals(Float.intBitsToFloat(wanted[i]), to.get(i), name + " " + i);
        }
    }
}
