package ds.model.builtin;

import ds.model.Batch;
import ds.model.Init;
import ds.model.Parameter;
import ds.model.nn.Activation;
import ds.model.nn.Layer;
import ds.model.nn.Network;
import ds.model.nn.Part;
import ds.model.nn.Tape;
import ds.model.nn.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A decoder-only transformer: pre-norm blocks, fused q, k and v, a head without bias (tied: the token
 * table). Units: embed, blocks.N, final. Output {@code logits}, fp32 [samples, tokens, vocabulary], up to 64 MiB
 * of them.
 */
public final class Gpt extends Network {
    private static final Init.Normal NORMAL = new Init.Normal(0.02f);
    private static final float EPSILON = 1e-5f;

    private final GptOptions options;
    private final Embed embed;
    private final List<Block> blocks = new ArrayList<>();
    private final Head head;

    /** Creates a model: {@code Gpt.of(g -> g.layers(4).width(128).heads(4).context(128))}. */
    public static Gpt of(Consumer<GptOptions> choose) {
        return new Gpt(GptOptions.chosen(choose));
    }

    private Gpt(GptOptions options) {
        this.options = options;
        embed = add(new Embed());
        for (int i = 0; i < options.layers; i++) {
            blocks.add(add(new Block(i)));
        }
        head = add(new Head());
    }

    /** Returns the most tokens per sample. */
    public int context() {
        return options.context;
    }

    @Override
    protected Tensor forward(Tape t, Batch batch) {
        Tensor h = t.dropout(options.dropout, t.embedding(batch.input(), embed.tok, embed.pos));
        for (Block block : blocks) {
            h = block.apply(t, h);
        }
        return head.apply(t, h);
    }

    private final class Embed extends Part {
        final Parameter tok = table("tok", options.vocabulary);
        final Parameter pos = table("pos", options.context);

        Embed() {
            super("embed", "");
        }

        private Parameter table(String name, int rows) {
            return parameter(
                    Parameter.of(path(name), NORMAL, rows, options.width).tagged("embedding"));
        }
    }

    private final class Block extends Layer {
        private final int d = options.width;
        private final Init last = NORMAL.scaled(1 / Math.sqrt(2.0 * options.layers));
        private final Parameter gain1 = gain("ln1_g", d);
        private final Parameter shift1 = shift("ln1_b", d);
        private final Parameter wqkv = parameter("wqkv", NORMAL, 3 * d, d);
        private final Parameter bqkv = bias("bqkv", 3 * d);
        private final Parameter wo = parameter("wo", last, d, d);
        private final Parameter bo = bias("bo", d);
        private final Parameter gain2 = gain("ln2_g", d);
        private final Parameter shift2 = shift("ln2_b", d);
        private final Parameter w1 = parameter("w1", NORMAL, options.feedForward(), d);
        private final Parameter b1 = bias("b1", options.feedForward());
        private final Parameter w2 = parameter("w2", last, d, options.feedForward());
        private final Parameter b2 = bias("b2", d);

        Block(int number) {
            super("blocks." + number);
            checkpoint(options.checkpointing);
        }

        @Override
        protected Tensor forward(Tape t, Tensor h) {
            Tensor qkv = t.linear(t.layerNorm(h, gain1, shift1, EPSILON), wqkv, bqkv);
            Tensor mixed = t.causalAttention(qkv, options.heads);
            Tensor middle = plus(t, h, options.attention ? mixed : t.scale(0, mixed), wo, bo);
            Tensor normed = t.layerNorm(middle, gain2, shift2, EPSILON);
            return plus(t, middle, t.linear(normed, w1, b1, Activation.GELU), w2, b2);
        }

        private Tensor plus(Tape t, Tensor h, Tensor x, Parameter weight, Parameter bias) {
            return options.dropout == 0
                    ? t.linearPlus(h, x, weight, bias)
                    : t.add(h, t.dropout(options.dropout, t.linear(x, weight, bias)));
        }
    }

    /** Turns the last block's result into the loss. */
    private final class Head extends Layer {
        private final Parameter gain = gain("lnf_g", options.width);
        private final Parameter shift = shift("lnf_b", options.width);
        private final Parameter weight =
                options.tied
                        ? borrow(embed.tok)
                        : parameter(
                                Parameter.of("head", NORMAL, options.vocabulary, options.width)
                                        .tagged("head"));

        Head() {
            super("final", "");
        }

        @Override
        protected Tensor forward(Tape t, Tensor h) {
            Tensor normed = t.layerNorm(h, gain, shift, EPSILON);
            return t.linearCrossEntropy(normed, weight, t.batch().target());
        }
    }
}
