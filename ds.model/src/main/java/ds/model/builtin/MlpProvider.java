package ds.model.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.model.TrainableModel;
import ds.model.nn.Activation;
import ds.model.spi.ModelProvider;
import java.util.List;
import java.util.Locale;

/** Model {@code mlp}. */
public final class MlpProvider implements ModelProvider {
    private static final double DEFAULT_HIDDEN = 64;

    /** Widest hidden layer; with it no product of sizes leaves 64 bits. */
    private static final int HIDDEN_MOST = 1 << 22;

    /** Called by the service loader. */
    public MlpProvider() {}

    @Override
    public String name() {
        return "mlp";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return List.of(
                KeyDeclaration.numbers("hidden", DEFAULT_HIDDEN)
                        .atLeast(1)
                        .atMost(HIDDEN_MOST)
                        .doc("Sizes of the hidden layers."),
                KeyDeclaration.choice(
                                "activation",
                                "tanh",
                                List.of("gelu", "gelu_erf", "relu", "silu", "tanh"))
                        .doc("What lies between two layers."));
    }

    @Override
    public TrainableModel create(Settings settings, DataShape data) {
        if (data.tokens()) {
            throw new IllegalArgumentException(
                    "Model mlp learns from numbers, but the data holds tokens; choose model gpt.");
        }
        double[] hidden = settings.doublesOr("hidden", DEFAULT_HIDDEN);
        int[] sizes = new int[hidden.length + 2];
        sizes[0] = data.inputElements();
        for (int i = 0; i < hidden.length; i++) {
            if (hidden[i] != Math.rint(hidden[i])) {
                throw new IllegalArgumentException(
                        "mlp: a hidden size must be an integer, was %s.".formatted(hidden[i]));
            }
            sizes[i + 1] = (int) hidden[i];
        }
        sizes[hidden.length + 1] = data.outputElements();
        String activation = settings.stringOr("activation", "tanh");
        return new Mlp(Activation.valueOf(activation.toUpperCase(Locale.ROOT)), sizes);
    }
}
