package ds.kernels.host;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Philox;
import ds.kernels.Workers;
import ds.kernels.spi.Operands;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Kernels on the host. Each stages tiles of its operands in its worker's {@code float[]} memory,
 * computes on {@link Lanes}, and stores with one rounding; so every kernel is written once for all
 * types. Owned by the thread that calls.
 */
final class HostKernels implements Kernels {
    /** The provider's name. */
    static final String NAME = "host";

    private static final int NORM_BLOCK = 1024;
    private static final int TRANSPOSE_TILE = 32;

    private final Team team;
    private final Gemm gemm;
    private final Attention attention;
    private final CachedAttention cachedAttention;
    private final RowSums rowSums;
    private final Norms norms;
    private final Embeddings embeddings;
    private final Losses losses;
    private final Rotation rotation;

    HostKernels(Workers workers, Supplier<Lanes> lanes) {
        team = new Team(workers, lanes);
        gemm = new Gemm(team);
        attention = new Attention(team);
        cachedAttention = new CachedAttention(team);
        rowSums = new RowSums(team);
        norms = new Norms(team, rowSums);
        embeddings = new Embeddings(team);
        losses = new Losses(team);
        rotation = new Rotation(team);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Workers workers() {
        return team.workers();
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
        Operands.sizes(m, n, k);
        Operands.holds(a, "a", (long) m * k);
        Operands.holds(b, "b", (long) k * n);
        Operands.holds(c, "c", (long) m * n);
        bias.ifPresent(row -> Operands.holds(row, "bias", n));
        gemm.run(transposeA, transposeB, m, n, k, a, b, bias, c, accumulate ? c : null, null);
    }

    @Override
    public void gemmActivation(
            Transpose transposeA,
            Transpose transposeB,
            int m,
            int n,
            int k,
            FlatBuffer a,
            FlatBuffer b,
            Optional<FlatBuffer> bias,
            FlatBuffer c,
            Activation f,
            FlatBuffer y) {
        Operands.sizes(m, n, k);
        Operands.holds(a, "a", (long) m * k);
        Operands.holds(b, "b", (long) k * n);
        Operands.holds(c, "c", (long) m * n);
        Operands.holds(y, "y", (long) m * n);
        bias.ifPresent(row -> Operands.holds(row, "bias", n));
        Gemm.Activated then = new Gemm.Activated(f, y);
        gemm.run(transposeA, transposeB, m, n, k, a, b, bias, c, null, then);
    }

    @Override
    public void gemmPlus(
            Transpose transposeA,
            Transpose transposeB,
            int m,
            int n,
            int k,
            FlatBuffer a,
            FlatBuffer b,
            Optional<FlatBuffer> bias,
            FlatBuffer addend,
            FlatBuffer c) {
        Operands.sizes(m, n, k);
        Operands.holds(a, "a", (long) m * k);
        Operands.holds(b, "b", (long) k * n);
        Operands.holds(c, "c", (long) m * n);
        Operands.same(addend, "addend", c);
        bias.ifPresent(row -> Operands.holds(row, "bias", n));
        gemm.run(transposeA, transposeB, m, n, k, a, b, bias, c, addend, null);
    }

    @Override
    public void gemmActivationBackward(
            Transpose transposeA,
            Transpose transposeB,
            int m,
            int n,
            int k,
            FlatBuffer a,
            FlatBuffer b,
            Activation f,
            FlatBuffer x,
            FlatBuffer dx) {
        Operands.sizes(m, n, k);
        Operands.holds(a, "a", (long) m * k);
        Operands.holds(b, "b", (long) k * n);
        Operands.holds(dx, "dx", (long) m * n);
        Operands.same(x, "x", dx);
        Gemm.Sloped then = new Gemm.Sloped(f, x);
        gemm.run(transposeA, transposeB, m, n, k, a, b, Optional.empty(), dx, null, then);
    }

    @Override
    public void sumRows(FlatBuffer x, int rows, int width, FlatBuffer out, boolean accumulate) {
        Operands.sizes(rows, width);
        Operands.holds(x, "x", (long) rows * width);
        Operands.holds(out, "out", width);
        rowSums.sum(x, rows, width, out, accumulate);
    }

    @Override
    public void activation(Activation f, FlatBuffer x, FlatBuffer y) {
        Operands.same(y, "y", x);
        team.tiles(
                x.lengthElements(),
                (own, first, count) -> {
                    own.load(x, first, own.a, 0, count);
                    own.lanes.activation(f, own.a, own.a, count);
                    own.store(y, first, own.a, 0, count);
                });
    }

    @Override
    public void activationBackward(
            Activation f, FlatBuffer x, FlatBuffer dy, FlatBuffer dx, boolean accumulate) {
        Operands.same(dy, "dy", x);
        Operands.same(dx, "dx", x);
        team.tiles(
                x.lengthElements(),
                (own, first, count) -> {
                    own.load(x, first, own.a, 0, count);
                    own.load(dy, first, own.b, 0, count);
                    own.lanes.activationSlope(f, own.a, own.b, own.a, count);
                    own.store(dx, first, own.a, 0, count, accumulate);
                });
    }

    @Override
    public void add(FlatBuffer a, FlatBuffer b, FlatBuffer y) {
        Operands.same(b, "b", a);
        Operands.same(y, "y", a);
        team.tiles(
                a.lengthElements(),
                (own, first, count) -> {
                    own.load(a, first, own.a, 0, count);
                    own.load(b, first, own.b, 0, count);
                    own.lanes.add(own.a, 0, own.b, 0, own.a, 0, count);
                    own.store(y, first, own.a, 0, count);
                });
    }

    @Override
    public void multiply(FlatBuffer a, FlatBuffer b, FlatBuffer y) {
        Operands.same(b, "b", a);
        Operands.same(y, "y", a);
        team.tiles(
                a.lengthElements(),
                (own, first, count) -> {
                    own.load(a, first, own.a, 0, count);
                    own.load(b, first, own.b, 0, count);
                    own.lanes.multiply(own.a, 0, own.b, 0, own.a, 0, count);
                    own.store(y, first, own.a, 0, count);
                });
    }

    @Override
    public void scale(float factor, FlatBuffer x, FlatBuffer y, boolean accumulate) {
        Operands.same(y, "y", x);
        team.tiles(
                x.lengthElements(),
                (own, first, count) -> {
                    own.load(x, first, own.a, 0, count);
                    if (accumulate) {
                        own.load(y, first, own.b, 0, count);
                        own.lanes.addScaled(factor, own.a, 0, own.b, 0, count);
                        own.store(y, first, own.b, 0, count);
                    } else {
                        own.lanes.scale(factor, own.a, 0, own.a, 0, count);
                        own.store(y, first, own.a, 0, count);
                    }
                });
    }

    @Override
    public void convert(FlatBuffer from, FlatBuffer to) {
        Operands.same(to, "to", from);
        if (from.type() == to.type()) {
            to.copyFrom(from);
            return;
        }
        team.tiles(
                from.lengthElements(),
                (own, first, count) -> {
                    own.load(from, first, own.a, 0, count);
                    own.store(to, first, own.a, 0, count);
                });
    }

    @Override
    public void layerNorm(
            FlatBuffer x,
            FlatBuffer gamma,
            FlatBuffer beta,
            int rows,
            int width,
            float eps,
            FlatBuffer y,
            FlatBuffer mean,
            FlatBuffer reciprocal) {
        Operands.sizes(rows, width);
        Operands.holds(x, "x", (long) rows * width);
        Operands.holds(y, "y", (long) rows * width);
        Operands.fp32(mean, "mean");
        Operands.fp32(reciprocal, "reciprocal");
        norms.forward(
                x, gamma, Optional.of(beta), rows, width, eps, y, Optional.of(mean), reciprocal);
    }

    @Override
    public void layerNormBackward(
            FlatBuffer x,
            FlatBuffer gamma,
            FlatBuffer dy,
            FlatBuffer mean,
            FlatBuffer reciprocal,
            int rows,
            int width,
            FlatBuffer dx,
            boolean accumulateDx,
            Optional<FlatBuffer> dGamma,
            boolean accumulateDGamma,
            Optional<FlatBuffer> dBeta,
            boolean accumulateDBeta) {
        Operands.sizes(rows, width);
        Operands.holds(dx, "dx", (long) rows * width);
        norms.backward(
                x,
                gamma,
                dy,
                Optional.of(mean),
                reciprocal,
                rows,
                width,
                dx,
                accumulateDx,
                dGamma,
                accumulateDGamma,
                dBeta,
                accumulateDBeta);
    }

    @Override
    public void rmsNorm(
            FlatBuffer x,
            FlatBuffer gamma,
            int rows,
            int width,
            float eps,
            FlatBuffer y,
            FlatBuffer reciprocal) {
        Operands.sizes(rows, width);
        Operands.holds(x, "x", (long) rows * width);
        Operands.holds(y, "y", (long) rows * width);
        Operands.fp32(reciprocal, "reciprocal");
        norms.forward(
                x, gamma, Optional.empty(), rows, width, eps, y, Optional.empty(), reciprocal);
    }

    @Override
    public void rmsNormBackward(
            FlatBuffer x,
            FlatBuffer gamma,
            FlatBuffer dy,
            FlatBuffer reciprocal,
            int rows,
            int width,
            FlatBuffer dx,
            boolean accumulateDx,
            Optional<FlatBuffer> dGamma,
            boolean accumulateDGamma) {
        Operands.sizes(rows, width);
        Operands.holds(dx, "dx", (long) rows * width);
        norms.backward(
                x,
                gamma,
                dy,
                Optional.empty(),
                reciprocal,
                rows,
                width,
                dx,
                accumulateDx,
                dGamma,
                accumulateDGamma,
                Optional.empty(),
                false);
    }

    @Override
    public void embedding(
            MemorySegment ids,
            int rows,
            int width,
            FlatBuffer table,
            Optional<FlatBuffer> positions,
            int period,
            FlatBuffer out) {
        Operands.sizes(rows, width);
        Operands.holds(out, "out", (long) rows * width);
        positions.ifPresent(
                p -> Operands.holds(p, "positions", (long) Math.min(period, rows) * width));
        embeddings.forward(ids, rows, width, table, positions, period, out);
    }

    @Override
    public void embeddingBackward(
            MemorySegment ids,
            int rows,
            int width,
            FlatBuffer dOut,
            FlatBuffer dTable,
            boolean accumulate) {
        Operands.sizes(rows, width);
        Operands.holds(dOut, "dOut", (long) rows * width);
        embeddings.backward(ids, rows, width, dOut, dTable, accumulate);
    }

    @Override
    public void positionsBackward(
            FlatBuffer dOut,
            int rows,
            int width,
            int period,
            FlatBuffer dPositions,
            boolean accumulate) {
        Operands.sizes(rows, width, period);
        Operands.holds(dOut, "dOut", (long) rows * width);
        Operands.holds(dPositions, "dPositions", (long) Math.min(period, rows) * width);
        embeddings.positionsBackward(dOut, rows, width, period, dPositions, accumulate);
    }

    @Override
    public void causalAttention(
            AttentionShape shape, FlatBuffer qkv, FlatBuffer out, FlatBuffer logSumExp) {
        long rows = (long) shape.sequences() * shape.tokens();
        Operands.holds(qkv, "qkv", rows * 3 * shape.width());
        Operands.holds(out, "out", rows * shape.width());
        Operands.holds(logSumExp, "logSumExp", rows * shape.heads());
        Operands.fp32(logSumExp, "logSumExp");
        attention.forward(shape, qkv, out, logSumExp);
    }

    @Override
    public void causalAttentionBackward(
            AttentionShape shape,
            FlatBuffer qkv,
            FlatBuffer out,
            FlatBuffer logSumExp,
            FlatBuffer dOut,
            FlatBuffer dQkv) {
        long rows = (long) shape.sequences() * shape.tokens();
        Operands.holds(qkv, "qkv", rows * 3 * shape.width());
        Operands.holds(out, "out", rows * shape.width());
        Operands.holds(dOut, "dOut", rows * shape.width());
        Operands.holds(dQkv, "dQkv", rows * 3 * shape.width());
        Operands.fp32(logSumExp, "logSumExp");
        attention.backward(shape, qkv, out, logSumExp, dOut, dQkv);
    }

    @Override
    public long attentionCacheElements(AttentionShape shape, int capacity) {
        Operands.sizes(capacity);
        return CachedAttention.elements(shape, capacity);
    }

    @Override
    public void cachedAttention(
            AttentionShape shape,
            int past,
            int capacity,
            FlatBuffer qkv,
            FlatBuffer cache,
            FlatBuffer out) {
        Operands.sizes(past, capacity);
        if (shape.sequences() != 1 || shape.tokens() > capacity - past) {
            throw new IllegalArgumentException(
                    "%d sequences of %,d tokens after %,d do not fit a cache of one sequence of %,d."
                            .formatted(shape.sequences(), shape.tokens(), past, capacity));
        }
        Operands.holds(qkv, "qkv", (long) shape.tokens() * 3 * shape.width());
        Operands.holds(out, "out", (long) shape.tokens() * shape.width());
        Operands.holds(cache, "cache", CachedAttention.elements(shape, capacity));
        if (cache.type() != qkv.type()) {
            throw new IllegalArgumentException(
                    "A cache of %s cannot keep keys of %s."
                            .formatted(cache.type().jsonName(), qkv.type().jsonName()));
        }
        cachedAttention.run(shape, past, capacity, qkv, cache, out);
    }

    @Override
    public void rope(
            AttentionShape shape,
            int past,
            double base,
            boolean inverse,
            FlatBuffer qkv,
            FlatBuffer out) {
        Operands.sizes(past);
        long rows = (long) shape.sequences() * shape.tokens();
        Operands.holds(qkv, "qkv", rows * 3 * shape.width());
        Operands.holds(out, "out", rows * 3 * shape.width());
        rotation.run(shape, past, base, inverse, qkv, out);
    }

    @Override
    public int softmaxCrossEntropy(
            FlatBuffer logits,
            MemorySegment targets,
            int first,
            int rows,
            int classes,
            FlatBuffer max,
            FlatBuffer sum,
            FlatBuffer terms) {
        Operands.sizes(first, rows, classes);
        Operands.holds(logits, "logits", (long) rows * classes);
        Operands.fp32(max, "max", (long) first + rows);
        Operands.fp32(sum, "sum", (long) first + rows);
        Operands.fp32(terms, "terms", (long) first + rows);
        return losses.crossEntropy(logits, targets, first, rows, classes, max, sum, terms);
    }

    @Override
    public void softmaxCrossEntropyBackward(
            FlatBuffer logits,
            MemorySegment targets,
            int rows,
            int first,
            int classes,
            FlatBuffer max,
            FlatBuffer sum,
            float factor,
            FlatBuffer dLogits) {
        Operands.sizes(rows, first, classes);
        Operands.holds(logits, "logits", (long) rows * classes);
        Operands.holds(dLogits, "dLogits", (long) rows * classes);
        Operands.fp32(max, "max", rows);
        Operands.fp32(sum, "sum", rows);
        losses.crossEntropyBackward(
                logits, targets, rows, first, classes, max, sum, factor, dLogits);
    }

    @Override
    public double meanSquaredError(FlatBuffer prediction, FlatBuffer target) {
        Operands.same(target, "target", prediction);
        return losses.meanSquaredError(prediction, target);
    }

    @Override
    public void meanSquaredErrorBackward(
            FlatBuffer prediction, FlatBuffer target, float seed, FlatBuffer dPrediction) {
        Operands.same(target, "target", prediction);
        Operands.same(dPrediction, "dPrediction", prediction);
        losses.meanSquaredErrorBackward(prediction, target, seed, dPrediction);
    }

    @Override
    public void dropout(
            Philox random,
            float p,
            long samplesFirst,
            long elementsPerSample,
            int operation,
            FlatBuffer x,
            FlatBuffer y) {
        Operands.same(y, "y", x);
        if (!(p >= 0 && p < 1)) {
            throw new IllegalArgumentException(
                    "A dropout probability must be at least 0 and below 1, was " + p + ".");
        }
        if (elementsPerSample < 1 || x.lengthElements() % elementsPerSample != 0) {
            throw new IllegalArgumentException(
                    "%,d elements do not divide into samples of %,d."
                            .formatted(x.lengthElements(), elementsPerSample));
        }
        float keptFactor = 1f / (1f - p);
        team.tiles(
                x.lengthElements(),
                (own, first, count) -> {
                    own.load(x, first, own.a, 0, count);
                    mask(own, random, p, samplesFirst, elementsPerSample, operation, first, count);
                    for (int i = 0; i < count; i++) {
                        own.a[i] = own.mask[i] ? own.a[i] * keptFactor : 0f;
                    }
                    own.store(y, first, own.a, 0, count);
                });
    }

    /** Draws which elements are kept; four elements of a sample share one Philox counter. */
    private static void mask(
            Scratch own,
            Philox random,
            float p,
            long samplesFirst,
            long elementsPerSample,
            int operation,
            long first,
            int count) {
        long sample = first / elementsPerSample;
        long element = first % elementsPerSample;
        boolean fresh = true;
        for (int i = 0; i < count; i++) {
            if (element == elementsPerSample) {
                element = 0;
                sample++;
                fresh = true;
            }
            if (fresh || element % 4 == 0) {
                long block = (long) operation << Integer.SIZE | element / 4;
                random.draw(samplesFirst + sample, block, own.draws);
                fresh = false;
            }
            own.mask[i] = Philox.unit(own.draws[(int) (element % 4)]) >= p;
            element++;
        }
    }

    @Override
    public void copyBlock(
            FlatBuffer from,
            long fromOffset,
            long fromStride,
            FlatBuffer to,
            long toOffset,
            long toStride,
            int rows,
            int width,
            boolean accumulate) {
        Operands.sizes(rows, width);
        team.rows(
                rows,
                width,
                (own, first, end) -> {
                    float[] row = own.slot(0, width);
                    for (int i = first; i < end; i++) {
                        own.load(from, fromOffset + i * fromStride, row, 0, width);
                        own.store(to, toOffset + i * toStride, row, 0, width, accumulate);
                    }
                });
    }

    @Override
    public void transpose(FlatBuffer x, int m, int n, FlatBuffer y) {
        Operands.sizes(m, n);
        Operands.holds(x, "x", (long) m * n);
        Operands.holds(y, "y", (long) m * n);
        team.parts(
                (n + TRANSPOSE_TILE - 1) / TRANSPOSE_TILE,
                (own, part) -> {
                    int j0 = part * TRANSPOSE_TILE;
                    int columns = Math.min(TRANSPOSE_TILE, n - j0);
                    for (int i0 = 0; i0 < m; i0 += TRANSPOSE_TILE) {
                        int rows = Math.min(TRANSPOSE_TILE, m - i0);
                        for (int i = 0; i < rows; i++) {
                            own.load(
                                    x,
                                    (long) (i0 + i) * n + j0,
                                    own.a,
                                    i * TRANSPOSE_TILE,
                                    columns);
                        }
                        for (int j = 0; j < columns; j++) {
                            for (int i = 0; i < rows; i++) {
                                own.b[j * TRANSPOSE_TILE + i] = own.a[i * TRANSPOSE_TILE + j];
                            }
                            own.store(y, (long) (j0 + j) * m + i0, own.b, j * TRANSPOSE_TILE, rows);
                        }
                    }
                });
    }

    @Override
    public void fold(
            FlatBuffer accumulator,
            List<FlatBuffer> contributions,
            boolean first,
            Optional<ExactNorm> norm) {
        for (FlatBuffer contribution : contributions) {
            Operands.same(contribution, "contribution", accumulator);
        }
        FlatBuffer[] terms = contributions.toArray(FlatBuffer[]::new);
        int rest = first && terms.length > 0 ? 1 : 0;
        clearNorms();
        team.tiles(
                accumulator.lengthElements(),
                (own, from, count) -> {
                    if (!first) {
                        own.load(accumulator, from, own.a, 0, count);
                    } else if (rest == 1) {
                        own.load(terms[0], from, own.a, 0, count);
                        own.round(accumulator.type(), own.a, count);
                    } else {
                        Arrays.fill(own.a, 0, count, 0f);
                    }
                    for (int i = rest; i < terms.length; i++) {
                        own.load(terms[i], from, own.b, 0, count);
                        own.lanes.add(own.a, 0, own.b, 0, own.a, 0, count);
                        own.round(accumulator.type(), own.a, count);
                    }
                    own.store(accumulator, from, own.a, 0, count);
                    if (norm.isPresent()) {
                        addBlocks(own, count);
                    }
                });
        norm.ifPresent(this::collectNorms);
    }

    @Override
    public void roundStochastically(
            FlatBuffer from, Philox random, long stream, long firstElement, FlatBuffer to) {
        Operands.same(to, "to", from);
        if (to.type() != DType.BF16) {
            throw new IllegalArgumentException(
                    "Stochastic rounding is to bf16, was asked for %s."
                            .formatted(to.type().jsonName()));
        }
        team.tiles(
                from.lengthElements(),
                (own, first, count) -> {
                    own.load(from, first, own.a, 0, count);
                    for (int i = 0; i < count; i++) {
                        long element = firstElement + first + i;
                        if (i == 0 || element % 4 == 0) {
                            random.draw(stream, element / 4, own.draws);
                        }
                        own.a[i] = roundedBy(own.a[i], own.draws[(int) (element % 4)]);
                    }
                    own.store(to, first, own.a, 0, count);
                });
    }

    /** Adds 16 random bits below the last one that bf16 has, and cuts. */
    private static float roundedBy(float value, int draw) {
        int bits = Float.floatToRawIntBits(value);
        boolean finite = Math.abs(value) <= Float.MAX_VALUE;
        return finite ? Float.intBitsToFloat(bits + (draw >>> 16) & 0xffff0000) : value;
    }

    @Override
    public void addSquares(FlatBuffer x, ExactNorm norm) {
        clearNorms();
        team.tiles(
                x.lengthElements(),
                (own, first, count) -> {
                    own.load(x, first, own.a, 0, count);
                    addBlocks(own, count);
                });
        collectNorms(norm);
    }

    private static void addBlocks(Scratch own, int count) {
        for (int i = 0; i < count; i += NORM_BLOCK) {
            own.norm.add(own.lanes.squares(own.a, i, Math.min(NORM_BLOCK, count - i)));
        }
    }

    private void clearNorms() {
        for (int i = 0; i < team.workers().count(); i++) {
            team.scratch(i).norm.clear();
        }
    }

    /** Adds what each worker found: exact, so the order does not matter. */
    private void collectNorms(ExactNorm norm) {
        for (int i = 0; i < team.workers().count(); i++) {
            norm.add(team.scratch(i).norm);
        }
    }

    @Override
    public boolean allBelow(FlatBuffer x, float limit) {
        for (int i = 0; i < team.workers().count(); i++) {
            team.scratch(i).below = true;
        }
        team.tiles(
                x.lengthElements(),
                (own, first, count) -> {
                    if (own.below) {
                        own.load(x, first, own.a, 0, count);
                        own.below = own.lanes.allBelow(limit, own.a, 0, count);
                    }
                });
        boolean below = true;
        for (int i = 0; i < team.workers().count(); i++) {
            below &= team.scratch(i).below;
        }
        return below;
    }
}
