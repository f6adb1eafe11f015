package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.AttentionShape;
import ds.model.Workspace;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Keys and values of one growing sequence, a cache for each attention of the network in the order of
 * the forward pass. A first pass, without memory, notes what there is to keep, and whether rows of the
 * network depend on earlier rows by attention alone; then the memory is taken, once. Owned by the
 * rank's thread.
 */
final class KeyValues {
    private record Noted(AttentionShape shape, DType type) {}

    private final int capacity;
    private final List<Noted> noted = new ArrayList<>();
    private final List<FlatBuffer> caches = new ArrayList<>();
    private Optional<String> obstacle = Optional.empty();
    private boolean allocated;
    private int tokens;
    private int next;

    /** Creates what keeps up to {@code capacity} tokens, without memory so far. */
    KeyValues(int capacity) {
        this.capacity = capacity;
    }

    int capacity() {
        return capacity;
    }

    /** Returns the tokens kept: the position of the next one. */
    int tokens() {
        return tokens;
    }

    /** Returns whether attention reads the caches: not in the first pass. */
    boolean isAllocated() {
        return allocated;
    }

    /** Takes the memory for what the first pass noted. */
    void allocate(Kernels kernels, Workspace workspace) {
        for (Noted each : noted) {
            long elements = kernels.attentionCacheElements(each.shape(), capacity);
            caches.add(workspace.allocate(each.type(), elements));
        }
        allocated = true;
    }

    void beginPass() {
        next = 0;
    }

    /** Counts the tokens of a pass that has succeeded. */
    void advance(int count) {
        tokens += count;
    }

    void restart() {
        tokens = 0;
    }

    /** Says that {@code operation} makes rows of other rows, so that none can be made alone. */
    void refuse(String operation) {
        if (obstacle.isEmpty()) {
            obstacle = Optional.of(operation);
        }
    }

    /** Returns the operation for whose sake nothing can be kept. */
    Optional<String> obstacle() {
        return obstacle;
    }

    /** Notes an attention of the first pass. */
    void note(AttentionShape shape, DType type, long tokensPerSample) {
        if (shape.sequences() != 1 || shape.tokens() != tokensPerSample) {
            refuse("causalAttention over other rows than the tokens");
        }
        noted.add(new Noted(shape, type));
    }

    /** Attends to the tokens kept and to the new ones, and keeps those too. */
    void attend(Kernels kernels, AttentionShape shape, FlatBuffer qkv, FlatBuffer y) {
        FlatBuffer cache = caches.get(next++);
        kernels.cachedAttention(shape, tokens, capacity, qkv, cache, y);
    }
}
