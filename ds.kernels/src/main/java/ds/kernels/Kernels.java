package ds.kernels;

import ds.core.FlatBuffer;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * The math that models, ZeRO and optimizers share. All matrices are row-major. Every operand may be
 * fp32, fp16 or bf16 (unless it says fp32): inputs are widened exactly, arithmetic is fp32, a result
 * is rounded once, to nearest even, when it is stored. Outputs never overlap inputs unless a method
 * says "may be the same". {@code accumulate} means: add to what the output holds (sum in fp32, then
 * one rounding), instead of overwriting it.
 *
 * <p>Promise: the same bits on every call, whatever the vector width, the number of workers and the
 * state of the JIT. Kernels of a provider that is not {@linkplain
 * ds.kernels.spi.KernelsProvider#reproducible() reproducible} promise them for the same calls by as
 * many workers on one machine only. One thread calls; the work is spread over {@link #workers()}.
 */
public interface Kernels {
    /** Returns the name of the provider, as configuration writes it: {@code host}. */
    String name();

    /** Returns the pool over which this instance spreads its work. */
    Workers workers();

    /** Whether an operand is used as stored or transposed. */
    enum Transpose {
        /** As stored. */
        NO,
        /** Rows and columns exchanged. */
        YES
    }

    /** Element-wise non-linearities. */
    enum Activation {
        /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
        GELU,
        /** max(x, 0); gradient 0 at 0. */
        RELU,
        /** x / (1 + exp(-x)). */
        SILU,
        /** tanh(x). */
        TANH,
        /** x Φ(x): GELU in its exact form, by erf. */
        GELU_ERF
    }

    /**
     * C[m,n] (+)= op(A)[m,k] op(B)[k,n] (+ bias[n] to every row). A is m×k as stored, or k×m if
     * transposed; B is k×n as stored, or n×k if transposed. On the host each output is one fma chain
     * in k order inside fixed k-blocks; blocks are added in order.
     *
     * @param bias n elements, added before the store
     */
    void gemm(
            Transpose transposeA,
            Transpose transposeB,
            int m,
            int n,
            int k,
            FlatBuffer a,
            FlatBuffer b,
            Optional<FlatBuffer> bias,
            FlatBuffer c,
            boolean accumulate);

    /**
     * C as of {@link #gemm} without accumulation, and y = f(C as stored): the bits of the two operations
     * one after the other.
     *
     * @param y as many elements as {@code c}, other memory
     */
    default void gemmActivation(
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
        gemm(transposeA, transposeB, m, n, k, a, b, bias, c, false);
        activation(f, c, y);
    }

    /**
     * C = addend + op(A) op(B) (+ bias): the bits of a copy and {@link #gemm} with accumulation.
     *
     * @param addend as many elements as {@code c}, of its type
     */
    default void gemmPlus(
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
        c.copyFrom(addend);
        gemm(transposeA, transposeB, m, n, k, a, b, bias, c, true);
    }

    /**
     * dx = dy · f'(x), where dy = op(A) op(B) as it would be stored in the type of {@code dx}: the
     * bits of {@link #gemm} and {@link #activationBackward} in turn.
     *
     * @param x as many elements as {@code dx}, of its type
     */
    default void gemmActivationBackward(
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
        gemm(transposeA, transposeB, m, n, k, a, b, Optional.empty(), dx, false);
        activationBackward(f, x, dx, dx, false);
    }

    /**
     * Sums the rows of x[rows,width] into out[width]: the gradient of a bias. Rows are added in
     * order inside groups of 32, groups in order.
     */
    void sumRows(FlatBuffer x, int rows, int width, FlatBuffer out, boolean accumulate);

    /** y = f(x); x and y may be the same. */
    void activation(Activation f, FlatBuffer x, FlatBuffer y);

    /** dx (+)= dy · f'(x); dx may be the same as dy. */
    void activationBackward(
            Activation f, FlatBuffer x, FlatBuffer dy, FlatBuffer dx, boolean accumulate);

    /** y = a + b, element by element; y may be the same as either. */
    void add(FlatBuffer a, FlatBuffer b, FlatBuffer y);

    /** y = a · b, element by element; y may be the same as either. */
    void multiply(FlatBuffer a, FlatBuffer b, FlatBuffer y);

    /** y (+)= factor · x; y may be the same as x when not accumulating. */
    void scale(float factor, FlatBuffer x, FlatBuffer y, boolean accumulate);

    /** Copies with a change of type; widening is exact, narrowing rounds to nearest even. */
    void convert(FlatBuffer from, FlatBuffer to);

    /**
     * y = gamma · (x − mean) / sqrt(variance + eps) + beta, per row of {@code width}; biased
     * variance. Stores each row's mean and reciprocal deviation for the backward pass.
     *
     * @param mean fp32, {@code rows} elements
     * @param reciprocal fp32, {@code rows} elements: 1 / sqrt(variance + eps)
     */
    void layerNorm(
            FlatBuffer x,
            FlatBuffer gamma,
            FlatBuffer beta,
            int rows,
            int width,
            float eps,
            FlatBuffer y,
            FlatBuffer mean,
            FlatBuffer reciprocal);

    /**
     * The backward pass of {@link #layerNorm}: dx (+)=, dGamma (+)=, dBeta (+)=. Parameter gradients
     * add rows in a fixed order. A gradient that is not wanted is empty.
     */
    void layerNormBackward(
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
            boolean accumulateDBeta);

    /** y = gamma · x / sqrt(mean(x²) + eps), per row; stores each row's reciprocal root in fp32. */
    void rmsNorm(
            FlatBuffer x,
            FlatBuffer gamma,
            int rows,
            int width,
            float eps,
            FlatBuffer y,
            FlatBuffer reciprocal);

    /** The backward pass of {@link #rmsNorm}. */
    void rmsNormBackward(
            FlatBuffer x,
            FlatBuffer gamma,
            FlatBuffer dy,
            FlatBuffer reciprocal,
            int rows,
            int width,
            FlatBuffer dx,
            boolean accumulateDx,
            Optional<FlatBuffer> dGamma,
            boolean accumulateDGamma);

    /**
     * out[i,:] = table[ids[i],:] (+ positions[i mod period,:] where given), one rounding.
     *
     * @param ids {@code rows} 32-bit integers, each in [0, tableRows); checked
     * @param positions a table of at least {@code period} rows, or empty
     * @throws IllegalArgumentException if an id is outside the table; the message names it
     */
    void embedding(
            MemorySegment ids,
            int rows,
            int width,
            FlatBuffer table,
            Optional<FlatBuffer> positions,
            int period,
            FlatBuffer out);

    /**
     * dTable[ids[i],:] (+)= dOut[i,:] in the order of i, fp32 sums, one rounding. Without {@code
     * accumulate} rows that no id names become zero.
     */
    void embeddingBackward(
            MemorySegment ids,
            int rows,
            int width,
            FlatBuffer dOut,
            FlatBuffer dTable,
            boolean accumulate);

    /** dPositions[t,:] (+)= sum over sequences of dOut[s·period + t,:], in order of s; rest zero. */
    void positionsBackward(
            FlatBuffer dOut,
            int rows,
            int width,
            int period,
            FlatBuffer dPositions,
            boolean accumulate);

    /**
     * The sizes of one attention call.
     *
     * @param sequences independent sequences in the batch
     * @param tokens positions per sequence
     * @param heads heads; each has {@code headWidth} columns
     * @param headWidth columns of one head
     */
    record AttentionShape(int sequences, int tokens, int heads, int headWidth) {
        /** Returns heads × headWidth. */
        public int width() {
            return heads * headWidth;
        }
    }

    /**
     * Causal softmax attention. {@code qkv} is [sequences·tokens, 3·width], a row holding q, k and v
     * side by side, heads side by side inside each; out is [sequences·tokens, width]. Scores are
     * scaled by 1/sqrt(headWidth); positions after the query are masked.
     *
     * @param logSumExp fp32, [sequences, heads, tokens]: kept for the backward pass
     */
    void causalAttention(
            AttentionShape shape, FlatBuffer qkv, FlatBuffer out, FlatBuffer logSumExp);

    /** The backward pass of {@link #causalAttention}; dQkv is overwritten. */
    void causalAttentionBackward(
            AttentionShape shape,
            FlatBuffer qkv,
            FlatBuffer out,
            FlatBuffer logSumExp,
            FlatBuffer dOut,
            FlatBuffer dQkv);

    /**
     * Returns how many elements {@link #cachedAttention} keeps of one sequence.
     *
     * @param shape of which heads and their width count
     * @param capacity the most tokens of the sequence
     */
    long attentionCacheElements(AttentionShape shape, int capacity);

    /**
     * Causal softmax attention of the newest tokens of one sequence: with the bits that {@link
     * #causalAttention} gives their rows when it is handed the whole sequence.
     *
     * @param shape one sequence and its new tokens
     * @param past the tokens before them, of which earlier calls have kept keys and values
     * @param capacity the most tokens that {@code cache} can hold
     * @param qkv the new tokens' rows
     * @param cache of qkv's type, {@link #attentionCacheElements} long; takes the new tokens' keys
     *     and values, in an order of the provider's own
     * @throws IllegalArgumentException if there is more than one sequence, or it does not fit
     */
    void cachedAttention(
            AttentionShape shape,
            int past,
            int capacity,
            FlatBuffer qkv,
            FlatBuffer cache,
            FlatBuffer out);

    /**
     * Rotary position embedding of the first {@code 2·width} columns (q and k) of qkv rows of
     * 3·width columns, in place is allowed; v is copied. Pairs are (i, i + headWidth/2); angle =
     * position · base^(−2i/headWidth), computed in fp64 with {@code StrictMath}. {@code inverse}
     * rotates back: the backward pass.
     *
     * @param past the position of each sequence's first row
     */
    void rope(
            AttentionShape shape,
            int past,
            double base,
            boolean inverse,
            FlatBuffer qkv,
            FlatBuffer out);

    /**
     * What the cross entropy (natural log) is made of, for the rows from {@code first} on.
     *
     * @param logits [rows, classes], fp32 or 16-bit: rows {@code first} to first + rows of all logits
     * @param targets 32-bit integers, one for each of all rows
     * @param max fp32, as long: takes the greatest logit, kept for the backward pass
     * @param sum fp32, as long: takes the sum of exp(logit − max), kept for the backward pass
     * @param terms fp32, as long: takes max − logit[target] + ln(sum); 0 for a row whose target is
     *     {@value #IGNORED_TARGET}
     * @return how many of these rows are not ignored
     * @throws IllegalArgumentException if a target is outside [0, classes) and not ignored
     */
    int softmaxCrossEntropy(
            FlatBuffer logits,
            MemorySegment targets,
            int first,
            int rows,
            int classes,
            FlatBuffer max,
            FlatBuffer sum,
            FlatBuffer terms);

    /**
     * dLogits = factor · (softmax − onehot) for the classes from {@code first} on; zero for ignored
     * rows; dLogits may be the same as logits.
     *
     * @param logits [rows, classes]: columns {@code first} to first + classes of all logits
     * @param targets {@code rows} 32-bit integers, counted from class 0
     * @param max what the forward pass stored
     * @param sum what the forward pass stored
     */
    void softmaxCrossEntropyBackward(
            FlatBuffer logits,
            MemorySegment targets,
            int rows,
            int first,
            int classes,
            FlatBuffer max,
            FlatBuffer sum,
            float factor,
            FlatBuffer dLogits);

    /** The target that a loss ignores. */
    int IGNORED_TARGET = -100;

    /** Mean of (prediction − target)² over all elements; fp32 terms, fp64 sum in element order. */
    double meanSquaredError(FlatBuffer prediction, FlatBuffer target);

    /** dPrediction = seed · 2 (prediction − target) / elements. */
    void meanSquaredErrorBackward(
            FlatBuffer prediction, FlatBuffer target, float seed, FlatBuffer dPrediction);

    /**
     * y = x · mask / (1 − p), where element {@code e} of sample {@code s} is kept if its Philox draw
     * is at least p. The same call on dy is the backward pass.
     *
     * @param samplesFirst the global index of the first sample in x
     * @param elementsPerSample elements of x that belong to one sample; divides x's length
     */
    void dropout(
            Philox random,
            float p,
            long samplesFirst,
            long elementsPerSample,
            int operation,
            FlatBuffer x,
            FlatBuffer y);

    /** Copies a [rows, width] block between matrices of different row strides (in elements). */
    void copyBlock(
            FlatBuffer from,
            long fromOffset,
            long fromStride,
            FlatBuffer to,
            long toOffset,
            long toStride,
            int rows,
            int width,
            boolean accumulate);

    /** y[n,m] = transpose of x[m,n]. */
    void transpose(FlatBuffer x, int m, int n, FlatBuffer y);

    /**
     * The owner's left fold (NUMERICS 2): accumulator = (first ? c0 : accumulator + c0) + c1 + ...,
     * contributions in list order, one fp32 add each; a 16-bit accumulator is rounded after each of
     * them, so that it does not matter how many come in one call. If {@code norm} is present, the squared sums
     * of the results' 1,024-element blocks are added to it in the same pass.
     *
     * @param accumulator fp32, or 16-bit
     * @param contributions each as long as the accumulator
     */
    void fold(
            FlatBuffer accumulator,
            List<FlatBuffer> contributions,
            boolean first,
            Optional<ExactNorm> norm);

    /**
     * Copies fp32 to bf16 with stochastic rounding: up in magnitude with the probability of the part
     * that is lost, so that small changes are kept on average. Values that bf16 holds, infinity and
     * NaN stay as they are. Draws are those of {@code random} at ({@code stream}, {@code
     * firstElement} + i).
     *
     * @param stream the counter's upper half: the step
     */
    void roundStochastically(
            FlatBuffer from, Philox random, long stream, long firstElement, FlatBuffer to);

    /** Adds the squared sums of the 1,024-element blocks of {@code x} to {@code norm}. */
    void addSquares(FlatBuffer x, ExactNorm norm);

    /** Returns whether every |x| is below {@code limit}; with infinity, whether all are finite. */
    boolean allBelow(FlatBuffer x, float limit);
}
