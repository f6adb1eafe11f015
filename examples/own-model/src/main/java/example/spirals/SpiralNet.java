package example.spirals;

import ds.model.Batch;
import ds.model.nn.Layer;
import ds.model.nn.Linear;
import ds.model.nn.Network;
import ds.model.nn.Tape;
import ds.model.nn.Tensor;

/**
 * Tells the arms of a spiral apart: two coordinates in, one logit per arm out. Written as a forward
 * pass alone; gradients follow from it, and each part added to the network is a unit for ZeRO.
 */
final class SpiralNet extends Network {
    private static final int WIDTH = 32;

    private final Linear first = add(new Linear("first", 2, WIDTH));
    private final Gated second = add(new Gated("second", WIDTH));
    private final Gated third = add(new Gated("third", WIDTH));
    private final Linear last;

    SpiralNet(int arms) {
        last = add(new Linear("last", WIDTH, arms, true, true));
    }

    @Override
    protected Tensor forward(Tape t, Batch batch) {
        Tensor h = t.tanh(first.apply(t, t.input(batch.input())));
        h = third.apply(t, second.apply(t, h));
        return t.softmaxCrossEntropy(last.apply(t, h), batch.target());
    }

    /** h + out(silu(gate(h)) · up(h)): a residual branch whose one half opens and shuts the other. */
    private static final class Gated extends Layer {
        private final Linear gate;
        private final Linear up;
        private final Linear out;

        Gated(String name, int width) {
            super(name);
            gate = add(new Linear(name + ".gate", width, 2 * width));
            up = add(new Linear(name + ".up", width, 2 * width));
            out = add(new Linear(name + ".out", 2 * width, width));
        }

        @Override
        protected Tensor forward(Tape t, Tensor h) {
            Tensor open = t.silu(gate.apply(t, h));
            return t.add(h, out.apply(t, t.multiply(open, up.apply(t, h))));
        }
    }
}
