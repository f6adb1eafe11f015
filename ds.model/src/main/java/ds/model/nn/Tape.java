package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.Field;
import ds.model.ForwardContext;
import ds.model.Parameter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The operations that a forward pass is written with. In mode TRAIN each one is recorded, and the
 * backward pass follows from the record; in mode EVAL nothing is kept. Results are stored in the run's
 * activation type, each element rounded once. A tape, its nodes and tensors are used again in every
 * step; owned by the rank's thread.
 *
 * <p>Shapes: all dimensions but the last are rows. A mistake in a shape is an
 * {@code IllegalArgumentException} naming both sides.
 */
public final class Tape {
    private final Network network;
    private @Nullable Pass pass; // absent before the first forward pass
    private @Nullable Recording recording; // present while somebody holds the activations

    Tape(Network network) {
        this.network = network;
    }

    Network network() {
        return network;
    }

    boolean inUse() {
        return recording != null;
    }

    /** Returns how many objects the tape keeps for re-use: constant from the second step on. */
    int keptObjects() {
        Pass present = pass;
        return present == null ? 0 : present.keptObjects();
    }

    /** Returns the most bytes of activations and gradients that were alive at once. */
    long mostLiveBytes() {
        Pass present = pass;
        return present == null ? 0 : present.buffers.mostLiveBytes();
    }

    Activations forward(Batch batch, ForwardContext context, @Nullable KeyValues kept) {
        Pass present = pass;
        if (present == null) {
            present = new Pass(network, this, batch, context);
            pass = present;
        }
        Recording made = new Recording(this, present);
        recording = made;
        boolean done = false;
        try {
            present.begin(batch, context, kept);
            present.enter(network);
            Tensor loss = network.forward(this, batch);
            present.leave(network);
            made.setLoss(loss);
            done = true;
        } finally {
            if (!done) {
                made.close();
            }
        }
        return made;
    }

    Tensor run(Layer layer, Tensor x) {
        return pass().run(layer, x);
    }

    Pass pass() {
        Pass present = pass;
        if (present == null || recording == null) {
            throw new IllegalStateException("This tape is outside a pass.");
        }
        return present;
    }

    /** Returns whether the pass is for training: dropout is active. */
    public boolean isTraining() {
        return pass().isTraining();
    }

    /** Returns the batch of the pass. */
    public Batch batch() {
        return pass().batch();
    }

    /** Returns features as a tensor [samples, ...], without a copy; no gradient flows into it. */
    public Tensor input(Field field) {
        if (field.type() != Field.Type.FLOAT32) {
            throw new IllegalArgumentException(
                    "input: features are FLOAT32, was given %s; use embedding for token ids."
                            .formatted(field.type()));
        }
        pass().mixesRows("input");
        Tensor made = pass().tensor(false);
        FlatBuffer values = FlatBuffer.of(field.data(), DType.FP32);
        int[] sizes = new int[field.shape().size() + 1];
        sizes[0] = Math.toIntExact(values.lengthElements() / field.elementsPerSample());
        for (int i = 1; i < sizes.length; i++) {
            sizes[i] = field.shape().get(i - 1);
        }
        made.setShape(sizes);
        made.setValues(values);
        return made;
    }

    /** y[..., out] = x[..., in] wᵀ, with w [out, in]. */
    public Tensor linear(Tensor x, Parameter weight) {
        Pass p = pass();
        return MatrixOps.linear(p, null, x, p.slot(weight), null, p.storedType());
    }

    /** y[..., out] = x[..., in] wᵀ + b, with w [out, in] and b [out]. */
    public Tensor linear(Tensor x, Parameter weight, Parameter bias) {
        Pass p = pass();
        return MatrixOps.linear(p, null, x, p.slot(weight), p.slot(bias), p.storedType());
    }

    /** y = f(x wᵀ + b) with w [out, in] and b [out]; the sum is rounded before f, as by two calls. */
    public Tensor linear(Tensor x, Parameter weight, Parameter bias, Activation f) {
        Pass p = pass();
        return MatrixOps.linearActivation(
                p, x, p.slot(weight), p.slot(bias), f.kernel(), p.storedType());
    }

    /** y = residual + x wᵀ + b, rounded once: what ends a branch of a residual network. */
    public Tensor linearPlus(Tensor residual, Tensor x, Parameter weight, Parameter bias) {
        Pass p = pass();
        return MatrixOps.linear(p, residual, x, p.slot(weight), p.slot(bias), p.storedType());
    }

    /** As {@link #linear(Tensor, Parameter)}, stored in fp32 whatever the run: for a loss to read. */
    public Tensor logits(Tensor x, Parameter weight) {
        Pass p = pass();
        return MatrixOps.linear(p, null, x, p.slot(weight), null, DType.FP32);
    }

    /** As {@link #linear(Tensor, Parameter, Parameter)}, stored in fp32 whatever the run. */
    public Tensor logits(Tensor x, Parameter weight, Parameter bias) {
        Pass p = pass();
        return MatrixOps.linear(p, null, x, p.slot(weight), p.slot(bias), DType.FP32);
    }

    /** Product of two matrices, each as stored or transposed. */
    public Tensor matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB) {
        return MatrixOps.multiply(pass(), a, transposeA, b, transposeB);
    }

    /** GELU in its tanh form. */
    public Tensor gelu(Tensor x) {
        return ElementOps.activation(pass(), Kernels.Activation.GELU, x);
    }

    /** GELU in its exact form, x Φ(x). */
    public Tensor geluErf(Tensor x) {
        return ElementOps.activation(pass(), Kernels.Activation.GELU_ERF, x);
    }

    /** max(x, 0). */
    public Tensor relu(Tensor x) {
        return ElementOps.activation(pass(), Kernels.Activation.RELU, x);
    }

    /** x / (1 + exp(−x)). */
    public Tensor silu(Tensor x) {
        return ElementOps.activation(pass(), Kernels.Activation.SILU, x);
    }

    /** tanh(x). */
    public Tensor tanh(Tensor x) {
        return ElementOps.activation(pass(), Kernels.Activation.TANH, x);
    }

    /** a + b, of one shape. */
    public Tensor add(Tensor a, Tensor b) {
        return ElementOps.add(pass(), a, b);
    }

    /** a · b element by element, of one shape. */
    public Tensor multiply(Tensor a, Tensor b) {
        return ElementOps.multiply(pass(), a, b);
    }

    /** factor · x. */
    public Tensor scale(float factor, Tensor x) {
        return ElementOps.scale(pass(), factor, x);
    }

    /**
     * Zeroes elements with probability {@code p} in [0, 1) and scales the others by 1 / (1 − p); x
     * itself in mode EVAL. Masks depend on seed, sample and the order of dropout calls only.
     */
    public Tensor dropout(float p, Tensor x) {
        return ElementOps.dropout(pass(), p, x);
    }

    /** Normalizes rows to mean 0 and variance 1 (biased), times gamma, plus beta. */
    public Tensor layerNorm(Tensor x, Parameter gamma, Parameter beta, float eps) {
        Pass p = pass();
        return NormOps.layerNorm(p, x, p.slot(gamma), p.slot(beta), eps);
    }

    /** Divides rows by the root of their mean square, times gamma. */
    public Tensor rmsNorm(Tensor x, Parameter gamma, float eps) {
        Pass p = pass();
        return NormOps.rmsNorm(p, x, p.slot(gamma), eps);
    }

    /** Rows of {@code table} named by ids: [samples, tokens, width]. */
    public Tensor embedding(Field ids, Parameter table) {
        Pass p = pass();
        return TokenOps.embedding(p, ids, p.slot(table), null);
    }

    /** Rows of {@code table} named by ids plus the rows of {@code positions}, in one rounding. */
    public Tensor embedding(Field ids, Parameter table, Parameter positions) {
        Pass p = pass();
        return TokenOps.embedding(p, ids, p.slot(table), p.slot(positions));
    }

    /**
     * Causal softmax attention on fused [..., tokens, 3 · width]: q, k, v side by side, heads side by
     * side in each; returns [..., tokens, width].
     */
    public Tensor causalAttention(Tensor qkv, int heads) {
        return TokenOps.causalAttention(pass(), qkv, heads);
    }

    /** Rotates q and k of fused [..., tokens, 3 · width] by their positions. */
    public Tensor rope(Tensor qkv, int heads, double base) {
        return TokenOps.rope(pass(), qkv, heads, base);
    }

    /** Mean cross entropy of logits [..., classes] with INT32 targets, one per row; −100 is ignored. */
    public Tensor softmaxCrossEntropy(Tensor logits, Field target) {
        return LossOps.softmaxCrossEntropy(pass(), logits, target);
    }

    /**
     * {@link #softmaxCrossEntropy} of {@link #logits(Tensor, Parameter)}, to the same bits. Up to 64
     * MiB the logits are stored, and are the output {@code logits}; larger ones exist in tiles only,
     * and are computed again in the backward pass.
     *
     * @param weight [classes, in]
     */
    public Tensor linearCrossEntropy(Tensor x, Parameter weight, Field target) {
        Pass p = pass();
        Slot slot = p.slot(weight);
        MatrixOps.check(x, slot, null);
        LossOps.check(
                "linearCrossEntropy", target, Field.Type.INT32, x.shape().toString(), x.rows());
        long elements = (long) x.rows() * slot.rows();
        if (TiledLoss.typeOfLogits(p).bytesOf(elements) > TiledLoss.LOGITS_BYTES) {
            return TiledLoss.linearCrossEntropy(p, x, slot, target);
        }
        return softmaxCrossEntropy(output("logits", logits(x, weight)), target);
    }

    /** Mean of (prediction − target)² over all elements. */
    public Tensor meanSquaredError(Tensor prediction, Field target) {
        return LossOps.meanSquaredError(pass(), prediction, target);
    }

    /** The same elements in another shape, without a copy. */
    public Tensor reshape(Tensor x, int... sizes) {
        return ShapeOps.reshape(pass(), x, sizes);
    }

    /** {@code count} rows from row {@code from}, as a matrix, without a copy. */
    public Tensor rows(Tensor x, int from, int count) {
        return ShapeOps.rows(pass(), x, from, count);
    }

    /** {@code count} columns from column {@code from}. */
    public Tensor columns(Tensor x, int from, int count) {
        return ShapeOps.columns(pass(), x, from, count);
    }

    /** a and b side by side along the last dimension. */
    public Tensor concat(Tensor a, Tensor b) {
        return ShapeOps.concat(pass(), a, b);
    }

    /** The transpose of the matrix that x is. */
    public Tensor transpose(Tensor x) {
        return ShapeOps.transpose(pass(), x);
    }

    /** Makes {@code x} one of the activations' outputs, and returns it. */
    public Tensor output(String name, Tensor x) {
        pass().pin(x);
        Recording present = recording;
        if (present != null) {
            present.outputs.put(name, x.values());
        }
        return x;
    }

    /** What one forward pass left; its tape is free again once this is closed. */
    static final class Recording implements Activations {
        private final Tape tape;
        private final Pass pass;
        private final Map<String, FlatBuffer> outputs = new LinkedHashMap<>();
        private @Nullable Tensor loss; // present after the forward pass
        private double lossValue;
        private long productOperations;
        private boolean closed;

        private Recording(Tape tape, Pass pass) {
            this.tape = tape;
            this.pass = pass;
        }

        Network network() {
            return tape.network;
        }

        private void setLoss(Tensor made) {
            if (made.elements() != 1) {
                throw new IllegalArgumentException(
                        "forward must return a loss of one element, was %s; end it with a loss operation."
                                .formatted(made.shape()));
            }
            loss = made;
            productOperations = pass.productOperations(); // backward may run parts again
            lossValue = Double.isNaN(made.loss) ? made.values().get(0) : made.loss;
        }

        void backward(float lossSeed, BackwardContext context) {
            Tensor from = loss;
            if (closed || from == null) {
                throw new IllegalStateException(
                        "These activations are used up; backward runs once, before close.");
            }
            loss = null;
            pass.backward(from, lossSeed, context);
        }

        @Override
        public double loss() {
            return lossValue;
        }

        @Override
        public Map<String, FlatBuffer> outputs() {
            return outputs;
        }

        @Override
        public long productOperations() {
            return productOperations;
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                tape.recording = null;
                pass.end();
            }
        }
    }
}
