package ds.model.builtin;

import java.util.function.Consumer;

/** What a {@link Gpt} is made of; every method returns the object itself. */
public final class GptOptions {
    /** Most blocks, far beyond any model: more would be a slip of the pen. */
    static final int LAYERS_MOST = 10_000;

    /** Widest residual stream; with it no product of sizes leaves 64 bits. */
    static final int WIDTH_MOST = 1 << 20;

    /** Widest feed-forward part. */
    static final int FEED_FORWARD_MOST = 4 * WIDTH_MOST;

    /** Most rows of a table, of tokens or of positions. */
    static final int ROWS_MOST = 1 << 24;

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

    /** Sets the number of blocks, 1 to {@value #LAYERS_MOST}; default 4. */
    public GptOptions layers(int count) {
        layers = count;
        return this;
    }

    /** Sets the width of the residual stream, 1 to {@value #WIDTH_MOST}; default 128. */
    public GptOptions width(int elements) {
        width = elements;
        return this;
    }

    /** Sets the number of heads, which divides the width; default 4. */
    public GptOptions heads(int count) {
        heads = count;
        return this;
    }

    /** Sets the most tokens per sample, 1 to {@value #ROWS_MOST}; default 128. */
    public GptOptions context(int tokens) {
        context = tokens;
        return this;
    }

    /** Sets the number of token ids, 1 to {@value #ROWS_MOST}; default 256: bytes. */
    public GptOptions vocabulary(int count) {
        vocabulary = count;
        return this;
    }

    /**
     * Sets the width inside the feed-forward part, 1 to {@value #FEED_FORWARD_MOST}; default 4 ×
     * width.
     */
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
        require("layers", layers, LAYERS_MOST);
        require("width", width, WIDTH_MOST);
        require("heads", heads, WIDTH_MOST);
        require("context", context, ROWS_MOST);
        require("vocabulary", vocabulary, ROWS_MOST);
        require("feedForward", feedForward(), FEED_FORWARD_MOST);
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

    private static void require(String what, int value, int most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(
                    "A gpt has %s from 1 to %,d, was %,d; choose one of them."
                            .formatted(what, most, value));
        }
    }
}
