package ds.model.builtin;

import java.util.function.Consumer;

/** What a {@link Gpt} is made of; every method returns the object itself. */
public final class GptOptions {
    int layers = 4;
    int width = 128;
    int heads = 4;
    int context = 128;
    int vocabulary = 256;
    int hidden;
    boolean tied = true;
    boolean attention = true;
    boolean checkpointing;
    float dropout;

    GptOptions() {}

    /** Sets the number of blocks, at least 1; default 4. */
    public GptOptions layers(int count) {
        layers = count;
        return this;
    }

    /** Sets the width of the residual stream; default 128. */
    public GptOptions width(int elements) {
        width = elements;
        return this;
    }

    /** Sets the number of heads, which divides the width; default 4. */
    public GptOptions heads(int count) {
        heads = count;
        return this;
    }

    /** Sets the most tokens per sample; default 128. */
    public GptOptions context(int tokens) {
        context = tokens;
        return this;
    }

    /** Sets the number of token ids; default 256: bytes. */
    public GptOptions vocabulary(int count) {
        vocabulary = count;
        return this;
    }

    /** Sets the width inside the feed-forward part; default 4 × width. */
    public GptOptions feedForward(int elements) {
        hidden = elements;
        return this;
    }

    /** Sets whether the head is the token table; default true. */
    public GptOptions tied(boolean on) {
        tied = on;
        return this;
    }

    /** Sets the dropout rate, in [0, 1), of embeddings and branches; default 0. */
    public GptOptions dropout(double rate) {
        dropout = (float) rate;
        return this;
    }

    /** Sets whether blocks keep only their input and compute the rest again; default false. */
    public GptOptions checkpointing(boolean on) {
        checkpointing = on;
        return this;
    }

    /** Sets whether attention contributes; false is for showing that it matters. Default true. */
    public GptOptions attention(boolean on) {
        attention = on;
        return this;
    }

    int feedForward() {
        return hidden == 0 ? 4 * width : hidden;
    }

    static GptOptions chosen(Consumer<GptOptions> choose) {
        GptOptions options = new GptOptions();
        choose.accept(options);
        return options.checked();
    }

    private GptOptions checked() {
        require("layers", layers, 1);
        require("width", width, 1);
        require("heads", heads, 1);
        require("context", context, 1);
        require("vocabulary", vocabulary, 1);
        require("feedForward", feedForward(), 1);
        if (width % heads != 0) {
            throw new IllegalArgumentException(
                    "A width of %d cannot be cut in %d heads; choose a divisor of the width."
                            .formatted(width, heads));
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException(
                    "A dropout rate must be in [0, 1), was %s.".formatted(dropout));
        }
        return this;
    }

    private static void require(String what, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(
                    "A gpt needs %s of at least %d, was %d.".formatted(what, least, value));
        }
    }
}
