package ds.testkit;

import static ds.testkit.Formulas.EPS;
import static ds.testkit.Formulas.STEP;
import static ds.testkit.Formulas.activation;
import static ds.testkit.Formulas.add;
import static ds.testkit.Formulas.attention;
import static ds.testkit.Formulas.dot;
import static ds.testkit.Formulas.gradient;
import static ds.testkit.Formulas.norm;
import static ds.testkit.KernelsRig.assertClose;
import static ds.testkit.KernelsRig.bytes;
import static ds.testkit.KernelsRig.doubles;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Activation;
import ds.kernels.Kernels.AttentionShape;
import ds.kernels.Philox;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What activations, norms, attention, embeddings and dropout promise, and their gradients. */
final class LayerChecks {
    private final KernelsRig rig;
    private final Kernels kernels;

    LayerChecks(KernelsRig rig) {
        this.rig = rig;
        this.kernels = rig.kernels();
    }

    void activationsAndTheirSlopes() {
        FlatBuffer x = rig.normal(5000, 1);
        FlatBuffer dy = rig.normal(5000, 2);
        for (Activation f : Activation.values()) {
            FlatBuffer y = rig.zeros(5000);
            kernels.activation(f, x, y);
            double[] expected = Arrays.stream(doubles(x)).map(v -> activation(f, v)).toArray();
            assertClose(expected, y, 1e-6);
            FlatBuffer dx = rig.zeros(5000);
            kernels.activationBackward(f, x, dy, dx, false);
            for (int i = 0; i < 5000; i++) {
                double v = x.get(i);
                double slope = (activation(f, v + STEP) - activation(f, v - STEP)) / (2 * STEP);
                assertEquals(slope * dy.get(i), dx.get(i), 2e-6, f + " at " + v);
            }
        }
    }

    void layerNormAndItsGradients() {
        int rows = 37;
        int width = 21;
        FlatBuffer x = rig.normal(rows * width, 1);
        FlatBuffer gamma = rig.normal(width, 2);
        FlatBuffer beta = rig.normal(width, 3);
        FlatBuffer dy = rig.normal(rows * width, 4);
        FlatBuffer y = rig.zeros(rows * width);
        FlatBuffer mean = rig.zeros(rows);
        FlatBuffer reciprocal = rig.zeros(rows);
        kernels.layerNorm(x, gamma, beta, rows, width, (float) EPS, y, mean, reciprocal);
        double[] g = doubles(gamma);
        double[] b = doubles(beta);
        double[] d = doubles(dy);
        double[] v = doubles(x);
        assertClose(norm(v, g, b, rows, width, true), y, 2e-6);
        FlatBuffer dx = rig.normal(rows * width, 5);
        double[] before = doubles(dx);
        FlatBuffer dGamma = rig.zeros(width);
        FlatBuffer dBeta = rig.zeros(width);
        kernels.layerNormBackward(
                x,
                gamma,
                dy,
                mean,
                reciprocal,
                rows,
                width,
                dx,
                true,
                Optional.of(dGamma),
                false,
                Optional.of(dBeta),
                false);
        assertClose(
                add(before, gradient(v, p -> dot(norm(p, g, b, rows, width, true), d))), dx, 1e-5);
        assertClose(gradient(g, p -> dot(norm(v, p, b, rows, width, true), d)), dGamma, 1e-5);
        assertClose(gradient(b, p -> dot(norm(v, g, p, rows, width, true), d)), dBeta, 1e-5);
    }

    void rmsNormAndItsGradients() {
        int rows = 35;
        int width = 18;
        FlatBuffer x = rig.normal(rows * width, 1);
        FlatBuffer gamma = rig.normal(width, 2);
        FlatBuffer dy = rig.normal(rows * width, 4);
        FlatBuffer y = rig.zeros(rows * width);
        FlatBuffer reciprocal = rig.zeros(rows);
        kernels.rmsNorm(x, gamma, rows, width, (float) EPS, y, reciprocal);
        double[] g = doubles(gamma);
        double[] none = new double[width];
        double[] d = doubles(dy);
        double[] v = doubles(x);
        assertClose(norm(v, g, none, rows, width, false), y, 2e-6);
        FlatBuffer dx = rig.zeros(rows * width);
        FlatBuffer dGamma = rig.zeros(width);
        kernels.rmsNormBackward(
                x, gamma, dy, reciprocal, rows, width, dx, false, Optional.of(dGamma), false);
        assertClose(gradient(v, p -> dot(norm(p, g, none, rows, width, false), d)), dx, 1e-5);
        assertClose(gradient(g, p -> dot(norm(v, p, none, rows, width, false), d)), dGamma, 1e-5);
    }

    void attentionAndItsGradient() {
        for (AttentionShape shape :
                List.of(
                        new AttentionShape(2, 35, 1, 3),
                        new AttentionShape(1, 1, 1, 3),
                        new AttentionShape(1, 70, 1, 17))) {
            int size = shape.sequences() * shape.tokens() * shape.width();
            FlatBuffer qkv = rig.normal(3L * size, 1);
            FlatBuffer dOut = rig.normal(size, 2);
            FlatBuffer out = rig.zeros(size);
            FlatBuffer logSumExp =
                    rig.zeros((long) shape.sequences() * shape.tokens() * shape.heads());
            kernels.causalAttention(shape, qkv, out, logSumExp);
            double[] x = doubles(qkv);
            assertClose(attention(shape, x), out, 2e-6);
            FlatBuffer dQkv = rig.zeros(3L * size);
            kernels.causalAttentionBackward(shape, qkv, out, logSumExp, dOut, dQkv);
            double[] d = doubles(dOut);
            if (size < 1_000) {
                assertClose(gradient(x, p -> dot(attention(shape, p), d)), dQkv, 2e-5);
            }
        }
    }

    void rotationTurnsPairsAndBack() {
        AttentionShape shape = new AttentionShape(2, 9, 2, 6);
        int w = shape.width();
        FlatBuffer qkv = rig.normal(18L * 3 * w, 1);
        FlatBuffer out = rig.zeros(18L * 3 * w);
        kernels.rope(shape, 0, 10_000, false, qkv, out);
        for (int r = 0; r < 18; r++) {
            for (int j = 0; j < 3 * w; j++) {
                int c = j % 6;
                double angle = r % 9 * Math.pow(10_000, -2.0 * (c % 3) / 6);
                long at = (long) r * 3 * w + j;
                double x = qkv.get(at);
                double pair = qkv.get(c < 3 ? at + 3 >= 18L * 3 * w ? at : at + 3 : at - 3);
                double turned = x * Math.cos(angle) + (c < 3 ? -pair : pair) * Math.sin(angle);
                assertEquals(j < 2 * w ? turned : x, out.get(at), 1e-6);
            }
        }
        kernels.rope(shape, 0, 10_000, true, out, out);
        assertClose(doubles(qkv), out, 1e-6);
    }

    void embeddingsAndTheirGradients() {
        int[] ids = {3, 0, 3, 4, 1, 3, 0};
        MemorySegment segment = MemorySegment.ofArray(ids);
        int width = 9;
        FlatBuffer table = rig.normal(6 * width, 1);
        FlatBuffer positions = rig.normal(4 * width, 2);
        FlatBuffer out = rig.zeros(7 * width);
        kernels.embedding(segment, 7, width, table, Optional.of(positions), 3, out);
        FlatBuffer dOut = rig.normal(7 * width, 3);
        FlatBuffer dTable = rig.normal(6 * width, 4);
        FlatBuffer dPositions = rig.normal(4 * width, 5);
        double[] expectedTable = new double[6 * width];
        double[] expectedPositions = new double[4 * width];
        for (int i = 0; i < 7; i++) {
            for (int j = 0; j < width; j++) {
                assertEquals(
                        table.get(ids[i] * width + j) + positions.get(i % 3 * width + j),
                        out.get(i * width + j));
                expectedTable[ids[i] * width + j] += dOut.get(i * width + j);
                expectedPositions[i % 3 * width + j] += dOut.get(i * width + j);
            }
        }
        kernels.embeddingBackward(segment, 7, width, dOut, dTable, false);
        assertClose(expectedTable, dTable, 1e-6);
        kernels.embeddingBackward(segment, 7, width, dOut, dTable, true);
        assertClose(add(expectedTable, expectedTable), dTable, 1e-6);
        kernels.positionsBackward(dOut, 7, width, 3, dPositions, false);
        assertClose(expectedPositions, dPositions, 1e-6);
    }

    void anIdOutsideTheTableIsNamed() {
        IllegalArgumentException failure =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                kernels.embedding(
                                        MemorySegment.ofArray(new int[] {1, 6}),
                                        2,
                                        2,
                                        rig.zeros(12),
                                        Optional.empty(),
                                        0,
                                        rig.zeros(4)));
        assertEquals("Id 6 at position 1 is outside the table of 6 rows.", failure.getMessage());
    }

    void dropoutKeepsItsShareAndDependsOnTheSampleAlone() {
        FlatBuffer ones = rig.zeros(40_000);
        kernels.scale(0f, ones, ones, false);
        for (int i = 0; i < 40_000; i++) {
            ones.set(i, 1f);
        }
        Philox random = new Philox(9, Philox.DROPOUT);
        FlatBuffer all = rig.zeros(40_000);
        kernels.dropout(random, 0.25f, 100, 10_000, 3, ones, all);
        double kept = Arrays.stream(doubles(all)).filter(v -> v != 0).count() / 40_000.0;
        assertEquals(0.75, kept, 0.01);
        assertEquals(4f / 3f, Arrays.stream(doubles(all)).max().orElse(0), 1e-6);
        FlatBuffer third = rig.zeros(10_000);
        kernels.dropout(random, 0.25f, 102, 10_000, 3, ones.slice(0, 10_000), third);
        assertArrayEquals(bytes(all.slice(20_000, 10_000)), bytes(third));
    }
}
