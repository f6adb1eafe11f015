package ds.zero;

import ds.core.DType;
import ds.kernels.Kernels;
import ds.kernels.Philox;
import ds.model.BackwardContext;
import ds.model.Gradient;
import ds.model.Lease;
import ds.model.Mode;
import ds.model.Parameter;
import ds.model.Unit;
import ds.model.Workspace;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/** What one rank lends a model during a pass. One object per rank; each pass sets it anew. */
final class RankContext implements BackwardContext {
    private final PartitionMap map;
    private final Parameters parameters;
    private final Gradients gradients;
    private final Kernels kernels;
    private final DType precision;
    private final DType products;
    private final Philox dropout;
    private final Map<Class<?>, Object> kept = new HashMap<>();
    private Mode mode = Mode.EVAL;
    private Workspace workspace;
    private boolean backward;

    RankContext(
            PartitionMap map,
            Parameters parameters,
            Gradients gradients,
            Kernels kernels,
            ZeroOptions options,
            Workspace workspace) {
        this.map = map;
        this.parameters = parameters;
        this.gradients = gradients;
        this.kernels = kernels;
        this.precision = options.precision();
        this.products = options.products();
        this.dropout = new Philox(options.seed(), Philox.DROPOUT);
        this.workspace = workspace;
    }

    void enter(Mode nextMode, Workspace nextWorkspace, boolean isBackward) {
        mode = nextMode;
        workspace = nextWorkspace;
        backward = isBackward;
    }

    @Override
    public Lease acquire(Unit unit) {
        return parameters.acquire(map.unitIndex(unit));
    }

    @Override
    public Mode mode() {
        return mode;
    }

    @Override
    public DType activationType() {
        return precision;
    }

    @Override
    public DType productType() {
        return products;
    }

    @Override
    public Philox dropout() {
        return dropout;
    }

    @Override
    public Kernels kernels() {
        return kernels;
    }

    @Override
    public Workspace workspace() {
        return workspace;
    }

    @Override
    public <T> T keep(Class<T> type, Supplier<T> create) {
        return type.cast(kept.computeIfAbsent(type, _ -> create.get()));
    }

    @Override
    public Gradient gradient(Parameter parameter) {
        requireBackward("gradient");
        return gradients.of(parameter);
    }

    @Override
    public void complete(Unit unit) {
        requireBackward("complete");
        gradients.complete(map.unitIndex(unit));
    }

    private void requireBackward(String call) {
        if (!backward) {
            throw new IllegalStateException(
                    "%s was called outside a backward pass; use the context that backward was given."
                            .formatted(call));
        }
    }
}
