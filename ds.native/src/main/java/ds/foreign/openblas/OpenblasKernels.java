package ds.foreign.openblas;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.spi.ForwardingKernels;
import ds.kernels.spi.Operands;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Matrix products by OpenBLAS where every operand is fp32 and outside the heap, without a copy. All
 * else is the host's: operands of 16 bits, which it widens while it packs them, where OpenBLAS would
 * need a widened copy of each, and operands on the heap, which C cannot see.
 *
 * <p>OpenBLAS's own number of threads belongs to the process, and its threads spin beside the workers
 * of every rank. So a call is told to use one, and the workers take a part of the output each: as
 * many threads as workers, for each rank by itself. With as many workers, bits are the same on every
 * call. Owned by the thread that calls.
 */
final class OpenblasKernels extends ForwardingKernels {
    /** The provider's name. */
    static final String NAME = "openblas";

    /** Below so many multiply-adds, waking a worker costs more than it saves. */
    private static final double SMALL = 1 << 16;

    private final Kernels host;

    OpenblasKernels(Kernels host) {
        super(host);
        this.host = host;
        Openblas.useThreads(1);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void gemm(
            Transpose transposeA,
            Transpose transposeB,
            int m,
            int n,
            int k,
            FlatBuffer a,
            FlatBuffer b,
            Optional<FlatBuffer> bias,
            FlatBuffer c,
            boolean accumulate) {
        boolean ours = isOurs(a) && isOurs(b) && isOurs(c) && bias.stream().allMatch(this::isOurs);
        if (!ours || m <= 0 || n <= 0 || k <= 0) {
            host.gemm(transposeA, transposeB, m, n, k, a, b, bias, c, accumulate);
            return;
        }
        Operands.holds(a, "a", (long) m * k);
        Operands.holds(b, "b", (long) k * n);
        Operands.holds(c, "c", (long) m * n);
        bias.ifPresent(row -> Operands.holds(row, "bias", n));
        Product product =
                Product.of(
                        transposeA == Transpose.YES,
                        transposeB == Transpose.YES,
                        m,
                        n,
                        k,
                        a.segment(),
                        b.segment(),
                        bias.map(FlatBuffer::segment).orElse(MemorySegment.NULL),
                        c.segment(),
                        accumulate);
        if (workers().count() == 1 || (double) m * n * k < SMALL) {
            product.run();
            return;
        }
        Parts parts = Parts.of(m, n, workers().count());
        workers().run(parts.count(), (_, index) -> parts.of(product, index).run());
    }

    private boolean isOurs(FlatBuffer operand) {
        return operand.type() == DType.FP32 && operand.segment().isNative();
    }
}
