package ds.it;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Kernels.AttentionShape;

/**
 * Recorded attention, laid out for a kernel that is causal and has as many heads of keys as of
 * queries: missing queries come first and get no gradient, keys of a group are repeated, and where
 * nothing is masked each query is the last of a sequence of its own. Gradients of repeated keys are
 * added in fp32 and rounded once.
 */
final class RecordedAttention {
    private final RecordedOperation operation;
    private final Kernels kernels;
    private final DType type;
    private final DType stored;
    private final boolean backward;
    private final int batch;
    private final int heads;
    private final int keyHeads;
    private final int queries;
    private final int keys;
    private final int d;
    private final boolean apart;
    private final int sequences;
    private final int width;

    RecordedAttention(
            RecordedOperation operation,
            Kernels kernels,
            DType type,
            DType stored,
            boolean backward) {
        this.operation = operation;
        this.kernels = kernels;
        this.type = type;
        this.stored = stored;
        this.backward = backward;
        this.batch = operation.number("B");
        this.heads = operation.number("H");
        this.keyHeads = operation.number("Hkv");
        this.queries = operation.number("Tq");
        this.keys = operation.number("Tk");
        this.d = operation.number("D");
        this.apart = operation.unmasked();
        this.sequences = apart ? batch * queries : batch;
        this.width = heads * d;
    }

    void run() {
        AttentionShape shape = new AttentionShape(sequences, keys, heads, d);
        long rows = (long) sequences * keys;
        FlatBuffer qkv = operation.zeros(type, rows * 3 * width);
        place(operation.values("q"), qkv, 3 * width, true, 0);
        place(operation.values("k"), qkv, 3 * width, false, width);
        place(operation.values("v"), qkv, 3 * width, false, 2 * width);
        FlatBuffer out = operation.zeros(backward ? type : stored, rows * width);
        FlatBuffer lse = operation.zeros(DType.FP32, rows * heads);
        kernels.causalAttention(shape, qkv, out, lse);
        if (!backward) {
            operation.keep("o", queriesOf(out, stored));
            operation.keep("lse", logSums(lse));
            return;
        }
        place(operation.values("o"), out, width, true, 0);
        FlatBuffer dOut = operation.zeros(type, rows * width);
        place(operation.values("do"), dOut, width, true, 0);
        boolean plain = !apart && heads == keyHeads && queries == keys;
        FlatBuffer dQkv = operation.zeros(plain ? stored : DType.FP32, rows * 3 * width);
        kernels.causalAttentionBackward(shape, qkv, out, lse, dOut, dQkv);
        FlatBuffer dq = operation.zeros(DType.FP32, (long) batch * heads * queries * d);
        FlatBuffer dk = operation.zeros(DType.FP32, (long) batch * keyHeads * keys * d);
        FlatBuffer dv = operation.zeros(DType.FP32, (long) batch * keyHeads * keys * d);
        collect(dQkv, 3 * width, true, 0, dq);
        collect(dQkv, 3 * width, false, width, dk);
        collect(dQkv, 3 * width, false, 2 * width, dv);
        operation.keep("dq_ostored", operation.rounded(dq)); // our delta is of the stored output
        operation.keep("dk_ostored", operation.rounded(dk));
        operation.keep("dv", operation.rounded(dv));
    }

    /** Does something with every element of recorded [B, heads, tokens, D] and its places. */
    private interface Places {
        void at(int recorded, long place);
    }

    private void forPlaces(boolean query, int stride, int column, Places places) {
        int tokens = query ? queries : keys;
        int group = query ? 1 : heads / keyHeads;
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                for (int t = 0; t < tokens; t++) {
                    int from = ((b * heads / group + h / group) * tokens + t) * d;
                    int copies = apart && !query ? queries : 1;
                    for (int copy = 0; copy < copies; copy++) {
                        int sequence = apart ? b * queries + (query ? t : copy) : b;
                        int token = query ? (apart ? keys - 1 : keys - queries + t) : t;
                        long to = ((long) sequence * keys + token) * stride + column + h * d;
                        for (int i = 0; i < d; i++) {
                            places.at(from + i, to + i);
                        }
                    }
                }
            }
        }
    }

    private void place(float[] from, FlatBuffer to, int stride, boolean query, int column) {
        forPlaces(query, stride, column, (i, place) -> to.set(place, from[i]));
    }

    private void collect(FlatBuffer from, int stride, boolean query, int column, FlatBuffer to) {
        forPlaces(query, stride, column, (i, place) -> to.set(i, to.get(i) + from.get(place)));
    }

    private FlatBuffer queriesOf(FlatBuffer out, DType of) {
        FlatBuffer o = operation.zeros(of, (long) batch * heads * queries * d);
        forPlaces(true, width, 0, (i, place) -> o.set(i, out.get(place)));
        return o;
    }

    private FlatBuffer logSums(FlatBuffer lse) {
        FlatBuffer made = operation.zeros(DType.FP32, (long) batch * heads * queries);
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                for (int t = 0; t < queries; t++) {
                    int sequence = apart ? b * queries + t : b;
                    int token = apart ? keys - 1 : keys - queries + t;
                    made.set(
                            ((long) b * heads + h) * queries + t,
                            lse.get(((long) sequence * heads + h) * keys + token));
                }
            }
        }
        return made;
    }
}
