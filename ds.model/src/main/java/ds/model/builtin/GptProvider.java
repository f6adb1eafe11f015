package ds.model.builtin;

import ds.core.KeyDeclaration;
import ds.core.Settings;
import ds.model.TrainableModel;
import ds.model.spi.ModelProvider;
import java.util.List;

/** Model {@code gpt}. */
public final class GptProvider implements ModelProvider {
    /** Called by the service loader. */
    public GptProvider() {}

    @Override
    public String name() {
        return "gpt";
    }

    @Override
    public List<KeyDeclaration> settings() {
        return List.of(
                KeyDeclaration.integer("layers", 4)
                        .atLeast(1)
                        .atMost(GptOptions.LAYERS_MOST)
                        .doc("Number of blocks."),
                KeyDeclaration.integer("width", 128)
                        .atLeast(1)
                        .atMost(GptOptions.WIDTH_MOST)
                        .doc("Width of the residual stream."),
                KeyDeclaration.integer("heads", 4)
                        .atLeast(1)
                        .atMost(GptOptions.WIDTH_MOST)
                        .doc("Heads; must divide the width."),
                KeyDeclaration.integer("context", 128)
                        .atLeast(1)
                        .atMost(GptOptions.ROWS_MOST)
                        .in("tokens")
                        .doc("Most tokens per sample."),
                KeyDeclaration.integer("vocabulary")
                        .atLeast(1)
                        .atMost(GptOptions.ROWS_MOST)
                        .in("tokens")
                        .doc("Rows of the token table; absent means the tokens of the data."),
                KeyDeclaration.integer("feed_forward")
                        .atLeast(1)
                        .atMost(GptOptions.FEED_FORWARD_MOST)
                        .doc("Width inside the feed-forward part; absent means 4 x width."),
                KeyDeclaration.flag("tied", true).doc("Whether the head is the token table."),
                KeyDeclaration.number("dropout", 0)
                        .atLeast(0)
                        .below(1)
                        .doc("Dropout rate of embeddings and branches."),
                KeyDeclaration.flag("checkpointing", false)
                        .doc("Whether blocks keep only their input and compute the rest again."),
                KeyDeclaration.flag("attention", true)
                        .doc("Whether attention contributes; false shows that it matters."));
    }

    @Override
    public TrainableModel create(Settings settings, DataShape data) {
        if (!data.tokens()) {
            throw new IllegalArgumentException(
                    "Model gpt learns from tokens, but the data holds numbers; choose model mlp.");
        }
        int vocabulary = settings.intOr("vocabulary", data.outputElements());
        if (vocabulary < data.outputElements()) {
            throw new IllegalArgumentException(
                    "Model gpt has a vocabulary of %,d, but the data has %,d tokens; leave it out, or make it larger."
                            .formatted(vocabulary, data.outputElements()));
        }
        return Gpt.of(
                g ->
                        g.layers(settings.intOr("layers", 4))
                                .width(settings.intOr("width", 128))
                                .heads(settings.intOr("heads", 4))
                                .context(settings.intOr("context", data.inputElements()))
                                .vocabulary(vocabulary)
                                .feedForward(settings.intOr("feed_forward", 0))
                                .tied(settings.booleanOr("tied", true))
                                .dropout(settings.doubleOr("dropout", 0))
                                .checkpointing(settings.booleanOr("checkpointing", false))
                                .attention(settings.booleanOr("attention", true)));
    }
}
