package ds.model.builtin;

import ds.model.Batch;
import ds.model.Field;
import ds.model.Init;
import ds.model.Parameter;
import ds.model.nn.Activation;
import ds.model.nn.Layer;
import ds.model.nn.Network;
import ds.model.nn.Tape;
import ds.model.nn.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Fully connected layers with a non-linearity between them. The loss follows the target: mean squared
 * error for floats, softmax cross entropy for labels. Unit {@code layerN} holds {@code WN} [out, in]
 * and {@code bN}. Output {@code logits}, fp32 [samples, last size].
 */
public final class Mlp extends Network {
    private final List<Dense> layers = new ArrayList<>();
    private final Activation activation;
    private final int inputs;

    /** Creates a model with tanh between the layers: {@code Mlp.of(8, 16, 4)}. */
    public static Mlp of(int... sizes) {
        return new Mlp(Activation.TANH, sizes);
    }

    /**
     * Creates a model.
     *
     * @param sizes the input's, each hidden layer's and the output's elements per sample
     */
    public Mlp(Activation activation, int... sizes) {
        if (sizes.length < 2 || Arrays.stream(sizes).anyMatch(size -> size < 1)) {
            throw new IllegalArgumentException(
                    "An mlp needs at least an input and an output size, each at least 1, was given %s."
                            .formatted(Arrays.toString(sizes)));
        }
        this.activation = activation;
        this.inputs = sizes[0];
        for (int i = 1; i < sizes.length; i++) {
            layers.add(add(new Dense(i, sizes[i - 1], sizes[i], i == sizes.length - 1)));
        }
    }

    @Override
    protected Tensor forward(Tape t, Batch batch) {
        Tensor h = t.reshape(t.input(batch.input()), batch.samples(), inputs);
        for (Dense layer : layers) {
            h = layer.apply(t, h);
        }
        t.output("logits", h);
        return batch.target().type() == Field.Type.INT32
                ? t.softmaxCrossEntropy(h, batch.target())
                : t.meanSquaredError(h, batch.target());
    }

    private final class Dense extends Layer {
        private final Parameter weight;
        private final Parameter bias;
        private final boolean last;

        Dense(int number, int in, int out, boolean last) {
            super("layer" + number, "");
            Init init = new Init.Uniform((float) (1 / Math.sqrt(in)));
            Parameter matrix = Parameter.of("W" + number, init, out, in);
            this.weight = parameter(last ? matrix.tagged("head") : matrix);
            this.bias = parameter(Parameter.of("b" + number, init, out).tagged("bias"));
            this.last = last;
        }

        @Override
        protected Tensor forward(Tape t, Tensor x) {
            return last ? t.logits(x, weight, bias) : t.linear(x, weight, bias, activation);
        }
    }
}
