package ds.engine;

import ds.model.Activations;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.Continuation;
import ds.model.ForwardContext;
import ds.model.ModelLayout;
import ds.model.TrainableModel;
import java.util.Optional;

/**
 * A model of which the configuration does not train everything. The model itself need not know: it
 * asks where a gradient goes, and is told that nobody wants it.
 */
record FrozenModel(TrainableModel inner, ModelLayout layout) implements TrainableModel {
    /** Returns {@code model} with the layout that the plan has made of its own. */
    static TrainableModel of(TrainableModel model, ModelLayout planned) {
        return planned == model.layout() ? model : new FrozenModel(model, planned);
    }

    @Override
    public Activations forward(Batch batch, ForwardContext context) {
        return inner.forward(batch, context);
    }

    @Override
    public Optional<Continuation> continuation(int capacity, Batch probe, ForwardContext context) {
        return inner.continuation(capacity, probe, context);
    }

    @Override
    public void backward(Activations activations, float lossSeed, BackwardContext context) {
        inner.backward(activations, lossSeed, context);
    }
}
