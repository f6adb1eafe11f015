package ds.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import ds.testkit.FixtureReport;
import ds.testkit.Golden;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Norms, the scale that DeepSpeed's ZeRO divides gradients by, and clipped gradients, recorded: by
 * our exact norm and our one factor. Only the 2-norm clips here, so others are not compared.
 */
class RecordedClipTest {
    private static final double RELATIVE = 1e-6;
    private static final Pattern COMBINED =
            Pattern.compile("ds_combined_scale_max([0-9.]+)_ls([0-9.]+)");
    private static final Pattern CLIPPED = Pattern.compile("clip_([0-9.]+)");

    @Test
    @Tag("fixtures")
    void normsScalesAndClippedGradientsAreTheRecordedOnes() throws IOException {
        Assumptions.assumeTrue(Golden.isPresent("clip"), "no clip fixtures in this folder");
        Golden golden = Golden.read("clip");
        FixtureReport report = new FixtureReport("clip");
        try (Workers workers = new Workers("clip", 1)) {
            Kernels kernels =
                    KernelsProviders.in(ModuleLayer.boot())
                            .require(KernelsProviders.HOST)
                            .create(workers);
            for (Map<String, Object> recorded : golden.cases("cases")) {
                compare(golden, recorded, kernels, report);
            }
        }
        System.out.println(report);
        assertEquals(List.of(), report.outside());
    }

    private static void compare(
            Golden golden, Map<String, Object> recorded, Kernels kernels, FixtureReport report) {
        String id = String.valueOf(recorded.get("id"));
        List<?> names = (List<?>) recorded.get("grads");
        ExactNorm sum = new ExactNorm();
        for (Object name : names) {
            kernels.addSquares(FlatBuffer.ofFloats(golden.floats((String) name)), sum);
        }
        double norm = sum.norm();
        add(report, id, "norm", number(recorded.get("n2")), norm);
        recorded.forEach(
                (key, value) -> {
                    Matcher combined = COMBINED.matcher(key);
                    Matcher clipped = CLIPPED.matcher(key);
                    if (combined.matches()) {
                        // The recorded norm is that of unscaled gradients.
                        double scale = Double.parseDouble(combined.group(2));
                        double clip = Double.parseDouble(combined.group(1));
                        double factor = Rank.gradientScale(norm, scale, clip);
                        if (factor >= Float.MIN_NORMAL) {
                            add(report, id, key, number(value), 1 / factor);
                        }
                    } else if (clipped.matches()) {
                        double clip = Double.parseDouble(clipped.group(1));
                        float factor = Rank.gradientScale(norm, 1, clip);
                        List<?> out = (List<?>) Golden.object(value).get("out");
                        for (int t = 0; t < names.size(); t++) {
                            float[] gradient = golden.floats((String) names.get(t));
                            float[] wanted = golden.floats((String) out.get(t));
                            for (int i = 0; i < wanted.length; i++) {
                                add(
                                        report,
                                        id,
                                        key + " " + t + " " + i,
                                        wanted[i],
                                        gradient[i] * factor);
                            }
                        }
                    }
                });
    }

    private static void add(
            FixtureReport report, String id, String where, double expected, double actual) {
        double off =
                Math.abs(expected - actual) <= Float.MIN_NORMAL
                        ? 0
                        : Math.abs(expected - actual) / Math.abs(expected);
        report.add(id, where, off, RELATIVE);
    }

    private static double number(Object value) {
        return ((Number) value).doubleValue();
    }
}
