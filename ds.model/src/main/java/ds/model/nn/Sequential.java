package ds.model.nn;

import java.util.List;

/** Layers one after the other. */
public final class Sequential extends Layer {
    private final List<Layer> layers;

    /** Creates a chain; the layers are declared inside it. */
    public Sequential(String name, Layer... layers) {
        super(name);
        this.layers = List.of(layers);
        this.layers.forEach(this::add);
    }

    @Override
    protected Tensor forward(Tape tape, Tensor x) {
        Tensor y = x;
        for (Layer layer : layers) {
            y = layer.apply(tape, y);
        }
        return y;
    }
}
