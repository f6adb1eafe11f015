package ds.testkit;

import static ds.testkit.Formulas.add;
import static ds.testkit.KernelsRig.assertClose;
import static ds.testkit.KernelsRig.bytes;
import static ds.testkit.KernelsRig.doubles;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Transpose;
import ds.kernels.Workers;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** What matrix products promise. */
final class ProductChecks {
    /** Rows, columns and depth of products. */
    private static final int[][] SIZES = {
        {1, 1, 1}, {4, 16, 8}, {5, 17, 3}, {33, 47, 257}, {130, 70, 600}, {3, 300, 90}, {2, 3, 0}
    };

    private final KernelsRig rig;
    private final Kernels kernels;

    ProductChecks(KernelsRig rig) {
        this.rig = rig;
        this.kernels = rig.kernels();
    }

    /** One product, in all layouts. */
    private final class Product {
        final int m;
        final int n;
        final int k;
        final FlatBuffer a;
        final FlatBuffer b;
        final FlatBuffer at;
        final FlatBuffer bt;
        final FlatBuffer bias;
        final FlatBuffer before;

        Product(int[] size) {
            m = size[0];
            n = size[1];
            k = size[2];
            a = rig.normal((long) m * k, 1);
            b = rig.normal((long) k * n, 2);
            at = rig.zeros((long) m * k);
            bt = rig.zeros((long) k * n);
            bias = rig.normal(n, 3);
            before = rig.normal((long) m * n, 4);
            kernels.transpose(a, m, k, at);
            kernels.transpose(b, k, n, bt);
        }

        double[] expected(boolean biased, boolean accumulate) {
            double[] expected = new double[m * n];
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double sum = biased ? bias.get(j) : 0;
                    sum += accumulate ? before.get((long) i * n + j) : 0;
                    for (int q = 0; q < k; q++) {
                        sum += (double) a.get((long) i * k + q) * b.get((long) q * n + j);
                    }
                    expected[i * n + j] = sum;
                }
            }
            return expected;
        }

        /** Without {@code accumulate} nothing is read of C, which is not even finite. */
        FlatBuffer run(Kernels by, Transpose ta, Transpose tb, boolean biased, boolean accumulate) {
            FlatBuffer c = rig.zeros((long) m * n);
            if (accumulate) {
                c.copyFrom(before);
            } else {
                c.segment().fill((byte) 0xff);
            }
            by.gemm(
                    ta,
                    tb,
                    m,
                    n,
                    k,
                    ta == Transpose.NO ? a : at,
                    tb == Transpose.NO ? b : bt,
                    biased ? Optional.of(bias) : Optional.empty(),
                    c,
                    accumulate);
            return c;
        }
    }

    void productsOfAllLayoutsAreRightAndTheSameBitsWherePromised() {
        for (int[] size : SIZES) {
            Product product = new Product(size);
            for (boolean biased : new boolean[] {false, true}) {
                for (boolean accumulate : new boolean[] {false, true}) {
                    double[] expected = product.expected(biased, accumulate);
                    byte[] first = null;
                    for (Transpose ta : Transpose.values()) {
                        for (Transpose tb : Transpose.values()) {
                            FlatBuffer c = product.run(kernels, ta, tb, biased, accumulate);
                            assertClose(expected, c, 1e-4);
                            first = first == null ? bytes(c) : first;
                            if (rig.provider().reproducible()) {
                                assertArrayEquals(first, bytes(c), Arrays.toString(size) + ta + tb);
                            }
                        }
                    }
                }
            }
        }
    }

    void theSameProductsByAsManyWorkersAreTheSameBits() {
        byte[] ofAnyNumber = null;
        for (int count = 1; count <= 4; count++) {
            byte[] first = null;
            for (int repeat = 0; repeat < 3; repeat++) {
                try (Workers some = new Workers("some", count)) {
                    byte[] bits = productBits(rig.provider().create(some));
                    first = first == null ? bits : first;
                    assertArrayEquals(first, bits, count + " workers");
                }
            }
            ofAnyNumber = ofAnyNumber == null ? first : ofAnyNumber;
            if (rig.provider().reproducible()) {
                assertArrayEquals(ofAnyNumber, first, count + " workers");
            }
        }
    }

    private byte[] productBits(Kernels by) {
        ByteArrayOutputStream bits = new ByteArrayOutputStream();
        for (int[] size : SIZES) {
            Product product = new Product(size);
            for (Transpose ta : Transpose.values()) {
                for (Transpose tb : Transpose.values()) {
                    FlatBuffer c = product.run(by, ta, tb, true, true);
                    assertClose(product.expected(true, true), c, 1e-4);
                    bits.writeBytes(bytes(c));
                }
            }
        }
        return bits.toByteArray();
    }

    void aProductDoesNotDependOnItsNeighboursWherePromised() {
        Assumptions.assumeTrue(
                rig.provider().reproducible(),
                () -> "The kernels '%s' promise no such bits.".formatted(rig.provider().name()));
        int k = 300;
        FlatBuffer a = rig.normal(64L * k, 1);
        FlatBuffer b = rig.normal(64L * k, 2);
        FlatBuffer whole = rig.zeros(64 * 64);
        kernels.gemm(Transpose.NO, Transpose.YES, 64, 64, k, a, b, Optional.empty(), whole, false);
        FlatBuffer corner = rig.zeros(3 * 5);
        kernels.gemm(
                Transpose.NO,
                Transpose.YES,
                3,
                5,
                k,
                a.slice(60L * k, 3L * k),
                b.slice(41L * k, 5L * k),
                Optional.empty(),
                corner,
                false);
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 5; j++) {
                assertEquals(whole.get((60 + i) * 64 + 41 + j), corner.get(i * 5 + j));
            }
        }
    }

    void accumulatingAddsToWhatIsThere() {
        FlatBuffer a = rig.normal(6 * 7, 1);
        FlatBuffer b = rig.normal(7 * 5, 2);
        FlatBuffer c = rig.normal(30, 3);
        double[] before = doubles(c);
        FlatBuffer product = rig.zeros(30);
        kernels.gemm(Transpose.NO, Transpose.NO, 6, 5, 7, a, b, Optional.empty(), product, false);
        kernels.gemm(Transpose.NO, Transpose.NO, 6, 5, 7, a, b, Optional.empty(), c, true);
        assertClose(add(before, doubles(product)), c, 1e-6);
    }

    void aProductWithItsActivationHasTheBitsOfTheTwoInTurn() {
        for (int[] size : List.of(new int[] {1, 1, 1}, new int[] {70, 300, 257})) {
            for (DType type : DType.values()) {
                for (Kernels.Activation f : Kernels.Activation.values()) {
                    int m = size[0];
                    int n = size[1];
                    int k = size[2];
                    FlatBuffer a = rig.normal(type, (long) m * k, 1);
                    FlatBuffer b = rig.normal(type, (long) k * n, 2);
                    Optional<FlatBuffer> bias = Optional.of(rig.normal(type, n, 3));
                    FlatBuffer c = rig.zeros(type, (long) m * n);
                    FlatBuffer y = rig.zeros(type, (long) m * n);
                    kernels.gemm(Transpose.NO, Transpose.YES, m, n, k, a, b, bias, c, false);
                    kernels.activation(f, c, y);
                    FlatBuffer both = rig.zeros(type, (long) m * n);
                    FlatBuffer of = rig.zeros(type, (long) m * n);
                    kernels.gemmActivation(
                            Transpose.NO, Transpose.YES, m, n, k, a, b, bias, both, f, of);
                    assertArrayEquals(bytes(c), bytes(both), type + " " + f + " product");
                    assertArrayEquals(bytes(y), bytes(of), type + " " + f);
                }
            }
        }
    }

    void aProductWithTheSlopeOfAnActivationHasTheBitsOfTheTwoInTurn() {
        for (int[] size : List.of(new int[] {1, 1, 1}, new int[] {70, 300, 257})) {
            for (DType type : DType.values()) {
                for (Kernels.Activation f : Kernels.Activation.values()) {
                    int m = size[0];
                    int n = size[1];
                    int k = size[2];
                    FlatBuffer a = rig.normal(type, (long) m * k, 1);
                    FlatBuffer b = rig.normal(type, (long) k * n, 2);
                    FlatBuffer x = rig.normal(type, (long) m * n, 3);
                    FlatBuffer dy = rig.zeros(type, (long) m * n);
                    FlatBuffer dx = rig.zeros(type, (long) m * n);
                    kernels.gemm(
                            Transpose.NO, Transpose.NO, m, n, k, a, b, Optional.empty(), dy, false);
                    kernels.activationBackward(f, x, dy, dx, false);
                    FlatBuffer both = rig.zeros(type, (long) m * n);
                    kernels.gemmActivationBackward(
                            Transpose.NO, Transpose.NO, m, n, k, a, b, f, x, both);
                    assertArrayEquals(bytes(dx), bytes(both), type + " " + f);
                }
            }
        }
    }

    void aProductAddedToAnotherMatrixHasTheBitsOfOneAddedToItsCopy() {
        for (int[] size : List.of(new int[] {1, 1, 1}, new int[] {70, 300, 257})) {
            for (DType type : DType.values()) {
                int m = size[0];
                int n = size[1];
                int k = size[2];
                FlatBuffer a = rig.normal(type, (long) m * k, 1);
                FlatBuffer b = rig.normal(type, (long) k * n, 2);
                Optional<FlatBuffer> bias = Optional.of(rig.normal(type, n, 3));
                FlatBuffer addend = rig.normal(type, (long) m * n, 4);
                FlatBuffer c = rig.zeros(type, (long) m * n);
                c.copyFrom(addend);
                kernels.gemm(Transpose.NO, Transpose.YES, m, n, k, a, b, bias, c, true);
                FlatBuffer sum = rig.zeros(type, (long) m * n);
                byte[] before = bytes(addend);
                kernels.gemmPlus(Transpose.NO, Transpose.YES, m, n, k, a, b, bias, addend, sum);
                assertArrayEquals(bytes(c), bytes(sum), type.toString());
                assertArrayEquals(before, bytes(addend), type + " addend");
            }
        }
    }

    void operandsThatAreTooSmallAreNamed() {
        IllegalArgumentException failure =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                kernels.gemm(
                                        Transpose.NO,
                                        Transpose.NO,
                                        2,
                                        2,
                                        2,
                                        rig.zeros(4),
                                        rig.zeros(3),
                                        Optional.empty(),
                                        rig.zeros(4),
                                        false));
        assertEquals(
                "Operand b needs 4 elements for these sizes, but holds 3.", failure.getMessage());
    }
}
