package ds.it;

import ds.model.Batch;
import ds.model.Init;
import ds.model.Parameter;
import ds.model.nn.Layer;
import ds.model.nn.Network;
import ds.model.nn.Part;
import ds.model.nn.Tape;
import ds.model.nn.Tensor;

/**
 * A small language model made to be hard on a partition: sizes that do not divide, an embedding
 * tied to the head, a unit that is not trained, a unit that the forward pass never touches.
 */
final class AwkwardModel extends Network {
    static final int VOCABULARY = 251;
    static final int CONTEXT = 7;
    private static final int WIDTH = 20;
    private static final int HEADS = 4;
    private static final Init DRAW = new Init.Normal(0.08f);

    private final Embed embed = add(new Embed());
    private final Attend attend = add(new Attend());
    private final Frozen frozen = add(new Frozen());
    private final Head head = add(new Head());

    AwkwardModel() {
        add(new Untouched());
    }

    @Override
    protected Tensor forward(Tape t, Batch batch) {
        Tensor h = t.embedding(batch.input(), embed.table, embed.positions);
        h = frozen.apply(t, attend.apply(t, h));
        return t.softmaxCrossEntropy(head.apply(t, h), batch.target());
    }

    private static final class Embed extends Part {
        private final Parameter table;
        private final Parameter positions;

        Embed() {
            super("embed");
            table = parameter(Parameter.of("table", DRAW, VOCABULARY, WIDTH).tied("tokens"));
            positions = parameter("positions", DRAW, CONTEXT, WIDTH);
        }
    }

    private static final class Attend extends Layer {
        private final Parameter gain = gain("gain", WIDTH);
        private final Parameter shift = bias("shift", WIDTH);
        private final Parameter qkv = parameter("qkv", DRAW, 3 * WIDTH, WIDTH);
        private final Parameter qkvBias = bias("qkv_bias", 3 * WIDTH);
        private final Parameter out = parameter("out", DRAW, WIDTH, WIDTH);
        private final Parameter outBias = bias("out_bias", WIDTH);

        Attend() {
            super("attend");
        }

        @Override
        protected Tensor forward(Tape t, Tensor x) {
            Tensor a = t.layerNorm(x, gain, shift, 1e-5f);
            Tensor o = t.causalAttention(t.linear(a, qkv, qkvBias), HEADS);
            return t.add(x, t.linear(o, out, outBias));
        }
    }

    private static final class Frozen extends Layer {
        private final Parameter weight;

        Frozen() {
            super("frozen");
            weight = parameter(Parameter.of("frozen.weight", DRAW, WIDTH, WIDTH).frozen());
        }

        @Override
        protected Tensor forward(Tape t, Tensor x) {
            return t.add(x, t.gelu(t.linear(x, weight)));
        }
    }

    private static final class Head extends Layer {
        private final Parameter gain = gain("gain", WIDTH);
        private final Parameter table;

        Head() {
            super("head");
            table = parameter(Parameter.of("head.table", DRAW, VOCABULARY, WIDTH).tied("tokens"));
        }

        @Override
        protected Tensor forward(Tape t, Tensor x) {
            return t.logits(t.rmsNorm(x, gain, 1e-5f), table);
        }
    }

    private static final class Untouched extends Part {
        Untouched() {
            super("untouched");
            parameter("weight", DRAW, 33, 47);
        }
    }
}
