package ds.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.testkit.FixtureReport;
import ds.testkit.Golden;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The recorded roundings, through the kernels that a run takes; a NaN may have any payload. */
class RecordedRoundingTest {
    private static final List<String> NARROWED =
            List.of("special", "random_bits", "bf16_ties", "fp16_ties", "fp16_plus_ulp");

    @Test
    @Tag("fixtures")
    void everyPatternIsTheRecordedOne() throws IOException {
        Assumptions.assumeTrue(Golden.isPresent("rounding"), "no rounding fixtures here");
        Golden golden = Golden.read("rounding");
        FixtureReport report = new FixtureReport("rounding");
        try (Workers workers = new Workers("rounding", 1);
                Arena arena = Arena.ofShared()) {
            Kernels kernels =
                    KernelsProviders.in(ModuleLayer.boot())
                            .require(KernelsProviders.HOST)
                            .create(workers);
            for (DType type : List.of(DType.BF16, DType.FP16)) {
                String name = type == DType.BF16 ? "bf16" : "f16";
                for (String set : NARROWED) {
                    int[] from = golden.ints(set + "/in");
                    int[] wanted = golden.ints(set + "/" + name);
                    report.check(
                            set + " to " + name, () -> narrow(kernels, arena, type, from, wanted));
                }
                int[] widened = golden.ints("widen/" + name + "_to_f32");
                report.check(name + " widened", () -> widen(type, widened));
            }
        }
        System.out.println(report);
        assertEquals(List.of(), report.outside());
    }

    private static void narrow(Kernels kernels, Arena arena, DType type, int[] bits, int[] wanted) {
        FlatBuffer from = FlatBuffer.of(arena.allocate(4L * bits.length, 64), DType.FP32);
        FlatBuffer to = FlatBuffer.of(arena.allocate(2L * bits.length, 64), type);
        for (int i = 0; i < bits.length; i++) {
            from.segment().set(ValueLayout.JAVA_INT_UNALIGNED, 4L * i, bits[i]);
        }
        kernels.convert(from, to);
        for (int i = 0; i < bits.length; i++) {
            if (!Float.isNaN(Float.intBitsToFloat(bits[i]))) {
                int actual = Short.toUnsignedInt(to.segment().get(FlatBuffer.SHORT, 2L * i));
                assertEquals(wanted[i], actual, Integer.toHexString(bits[i]));
            }
        }
    }

    private static void widen(DType type, int[] wanted) {
        for (int i = 0; i < wanted.length; i++) {
            float value =
                    type == DType.BF16
                            ? Rounding.fromBf16((short) i)
                            : Rounding.fromFp16((short) i);
            assertEquals(Float.intBitsToFloat(wanted[i]), value, Integer.toHexString(i));
        }
    }
}
