package ds.model.nn;

import ds.model.Activations;
import ds.model.Batch;
import ds.model.Continuation;
import ds.model.ForwardContext;
import ds.model.Workspace;

/** A network that goes on with one sequence. The caches lie in the workspace below every pass. */
final class ContinuedNetwork implements Continuation {
    private final Network network;
    private final KeyValues kept;
    private final Workspace workspace;
    private final Workspace.Mark mark;
    private boolean closed;

    ContinuedNetwork(Network network, KeyValues kept, ForwardContext context) {
        this.network = network;
        this.kept = kept;
        this.workspace = context.workspace();
        this.mark = workspace.mark();
        kept.allocate(context.kernels(), workspace);
    }

    @Override
    public int capacity() {
        return kept.capacity();
    }

    @Override
    public int tokens() {
        return kept.tokens();
    }

    @Override
    public Activations forward(Batch next, ForwardContext context) {
        long count = next.input().elementsPerSample();
        if (closed || next.samples() != 1 || count > kept.capacity() - kept.tokens()) {
            throw new IllegalArgumentException(
                    "%d samples of %,d tokens cannot go on with %s of %,d tokens, the most is %,d."
                            .formatted(
                                    next.samples(),
                                    count,
                                    closed ? "a closed sequence" : "one sequence",
                                    kept.tokens(),
                                    kept.capacity()));
        }
        Activations made = network.pass(next, context, kept);
        kept.advance((int) count);
        return made;
    }

    @Override
    public void restart() {
        kept.restart();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            workspace.release(mark);
        }
    }
}
