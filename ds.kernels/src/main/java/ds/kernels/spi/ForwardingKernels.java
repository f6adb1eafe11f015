package ds.kernels.spi;

import ds.core.FlatBuffer;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Philox;
import ds.kernels.Workers;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Kernels that hand every call to others. A provider that replaces a few operations extends this and
 * has the rest of the host.
 */
public abstract class ForwardingKernels implements Kernels {
    private final Kernels kernels;

    /** Creates kernels that hand every call to {@code kernels}, whose workers are theirs too. */
    protected ForwardingKernels(Kernels kernels) {
        this.kernels = kernels;
    }

    /** The name is the provider's own. */
    @Override
    public abstract String name();

    @Override
    public Workers workers() {
        return kernels.workers();
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
        kernels.gemm(transposeA, transposeB, m, n, k, a, b, bias, c, accumulate);
    }

    @Override
    public void sumRows(FlatBuffer x, int rows, int width, FlatBuffer out, boolean accumulate) {
        kernels.sumRows(x, rows, width, out, accumulate);
    }

    @Override
    public void activation(Activation f, FlatBuffer x, FlatBuffer y) {
        kernels.activation(f, x, y);
    }

    @Override
    public void activationBackward(
            Activation f, FlatBuffer x, FlatBuffer dy, FlatBuffer dx, boolean accumulate) {
        kernels.activationBackward(f, x, dy, dx, accumulate);
    }

    @Override
    public void add(FlatBuffer a, FlatBuffer b, FlatBuffer y) {
        kernels.add(a, b, y);
    }

    @Override
    public void multiply(FlatBuffer a, FlatBuffer b, FlatBuffer y) {
        kernels.multiply(a, b, y);
    }

    @Override
    public void scale(float factor, FlatBuffer x, FlatBuffer y, boolean accumulate) {
        kernels.scale(factor, x, y, accumulate);
    }

    @Override
    public void convert(FlatBuffer from, FlatBuffer to) {
        kernels.convert(from, to);
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
        kernels.layerNorm(x, gamma, beta, rows, width, eps, y, mean, reciprocal);
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
        kernels.layerNormBackward(
                x,
                gamma,
                dy,
                mean,
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
        kernels.rmsNorm(x, gamma, rows, width, eps, y, reciprocal);
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
        kernels.rmsNormBackward(
                x, gamma, dy, reciprocal, rows, width, dx, accumulateDx, dGamma, accumulateDGamma);
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
        kernels.embedding(ids, rows, width, table, positions, period, out);
    }

    @Override
    public void embeddingBackward(
            MemorySegment ids,
            int rows,
            int width,
            FlatBuffer dOut,
            FlatBuffer dTable,
            boolean accumulate) {
        kernels.embeddingBackward(ids, rows, width, dOut, dTable, accumulate);
    }

    @Override
    public void positionsBackward(
            FlatBuffer dOut,
            int rows,
            int width,
            int period,
            FlatBuffer dPositions,
            boolean accumulate) {
        kernels.positionsBackward(dOut, rows, width, period, dPositions, accumulate);
    }

    @Override
    public void causalAttention(
            AttentionShape shape, FlatBuffer qkv, FlatBuffer out, FlatBuffer logSumExp) {
        kernels.causalAttention(shape, qkv, out, logSumExp);
    }

    @Override
    public void causalAttentionBackward(
            AttentionShape shape,
            FlatBuffer qkv,
            FlatBuffer out,
            FlatBuffer logSumExp,
            FlatBuffer dOut,
            FlatBuffer dQkv) {
        kernels.causalAttentionBackward(shape, qkv, out, logSumExp, dOut, dQkv);
    }

    @Override
    public long attentionCacheElements(AttentionShape shape, int capacity) {
        return kernels.attentionCacheElements(shape, capacity);
    }

    @Override
    public void cachedAttention(
            AttentionShape shape,
            int past,
            int capacity,
            FlatBuffer qkv,
            FlatBuffer cache,
            FlatBuffer out) {
        kernels.cachedAttention(shape, past, capacity, qkv, cache, out);
    }

    @Override
    public void rope(
            AttentionShape shape,
            int past,
            double base,
            boolean inverse,
            FlatBuffer qkv,
            FlatBuffer out) {
        kernels.rope(shape, past, base, inverse, qkv, out);
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
        return kernels.softmaxCrossEntropy(logits, targets, first, rows, classes, max, sum, terms);
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
        kernels.softmaxCrossEntropyBackward(
                logits, targets, rows, first, classes, max, sum, factor, dLogits);
    }

    @Override
    public double meanSquaredError(FlatBuffer prediction, FlatBuffer target) {
        return kernels.meanSquaredError(prediction, target);
    }

    @Override
    public void meanSquaredErrorBackward(
            FlatBuffer prediction, FlatBuffer target, float seed, FlatBuffer dPrediction) {
        kernels.meanSquaredErrorBackward(prediction, target, seed, dPrediction);
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
        kernels.dropout(random, p, samplesFirst, elementsPerSample, operation, x, y);
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
        kernels.copyBlock(
                from, fromOffset, fromStride, to, toOffset, toStride, rows, width, accumulate);
    }

    @Override
    public void transpose(FlatBuffer x, int m, int n, FlatBuffer y) {
        kernels.transpose(x, m, n, y);
    }

    @Override
    public void fold(
            FlatBuffer accumulator,
            List<FlatBuffer> contributions,
            boolean first,
            Optional<ExactNorm> norm) {
        kernels.fold(accumulator, contributions, first, norm);
    }

    @Override
    public void roundStochastically(
            FlatBuffer from, Philox random, long stream, long firstElement, FlatBuffer to) {
        kernels.roundStochastically(from, random, stream, firstElement, to);
    }

    @Override
    public void addSquares(FlatBuffer x, ExactNorm norm) {
        kernels.addSquares(x, norm);
    }

    @Override
    public boolean allBelow(FlatBuffer x, float limit) {
        return kernels.allBelow(x, limit);
    }
}
