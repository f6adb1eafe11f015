package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.model.BackwardContext;
import ds.model.Batch;
import ds.model.ForwardContext;
import ds.model.Gradient;
import ds.model.Mode;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Unit;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The machinery behind {@link Tape}: nodes and tensors by position, the memory they use, and the walk
 * back. One forward pass and its backward pass at a time; owned by the rank's thread.
 *
 * <p>Memory of the forward pass is a stack of held blocks: a node's own blocks are released when its
 * backward step is done, and serve as the gradients of earlier nodes.
 */
final class Pass {
    final Buffers buffers;
    final Leases leases;
    final Gradients gradients = new Gradients(this);
    private final Map<Parameter, Slot> slots = new IdentityHashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<Buffers.Block> held = new ArrayList<>();
    private final Node unrecorded = new Node();
    private final boolean checkpointsUnits;
    private final Tape tape;
    private int nodeCount;
    private int tensorCount;
    private int heldCount;
    private int dropouts;
    private long productOperations;
    private boolean recording;
    private boolean training;
    private Batch batch;
    private ForwardContext context;
    private @Nullable KeyValues kept; // present while a sequence is continued
    private @Nullable BackwardContext backwardContext; // present only during a backward pass

    Pass(Network network, Tape tape, Batch batch, ForwardContext context) {
        ModelLayout layout = network.layout();
        List<String> units = layout.units().stream().map(Unit::name).toList();
        for (var unit : layout.units()) {
            for (Parameter parameter : unit.parameters()) {
                slots.put(
                        parameter,
                        new Slot(
                                this,
                                parameter,
                                units.indexOf(unit.name()),
                                units.indexOf(layout.unitOf(layout.storage(parameter)).name())));
            }
        }
        this.checkpointsUnits = network.checkpointsUnits();
        this.leases = new Leases(layout.units());
        this.buffers = new Buffers(context.workspace());
        this.tape = tape;
        this.batch = batch;
        this.context = context;
    }

    void begin(Batch newBatch, ForwardContext newContext, @Nullable KeyValues newKept) {
        kept = newKept;
        if (newKept != null) {
            newKept.beginPass();
        }
        batch = newBatch;
        context = newContext;
        training = newContext.mode() == Mode.TRAIN;
        recording = training;
        nodeCount = 0;
        tensorCount = 0;
        heldCount = 0;
        dropouts = 0;
        productOperations = 0;
        slots.values().forEach(Slot::begin);
        buffers.begin(newContext.workspace());
        leases.begin(newContext, training);
    }

    void end() {
        leases.closeAll();
        buffers.end();
    }

    int keptObjects() {
        return nodes.size() + tensors.size() + buffers.keptBlocks();
    }

    Kernels kernels() {
        return context.kernels();
    }

    ForwardContext context() {
        return context;
    }

    Batch batch() {
        return batch;
    }

    DType storedType() {
        return context.activationType();
    }

    /** Returns the type of products of matrices. */
    DType productType() {
        return context.productType();
    }

    /** Returns whether operands of products are rounded to another type than the activations'. */
    boolean castsProducts() {
        return context.productType() != context.activationType();
    }

    boolean isTraining() {
        return training;
    }

    /** Returns what is kept of the sequence that this pass goes on with; null if it is whole. */
    @Nullable KeyValues kept() {
        return kept;
    }

    /** Returns the position of the first token of each sample. */
    int past() {
        return kept == null ? 0 : kept.tokens();
    }

    /** Says that rows of {@code operation}'s result depend on other rows than their own. */
    void mixesRows(String operation) {
        if (kept != null) {
            kept.refuse(operation);
        }
    }

    /** Notes a product of m×k by k×n. */
    void countProduct(long m, long n, long k) {
        productOperations += 2 * m * n * k;
    }

    /** Returns the operations in products since the forward pass began. */
    long productOperations() {
        return productOperations;
    }

    int nextDropout() {
        return dropouts++;
    }

    /** Returns where a declared parameter lives. */
    Slot slot(Parameter parameter) {
        Slot slot = slots.get(parameter);
        if (slot == null) {
            throw new IllegalArgumentException(
                    "Parameter '%s' is not part of this network; declare its part with add(...)."
                            .formatted(parameter.name()));
        }
        return slot;
    }

    // ---- recording

    /** Starts an operation; outputs are made after this. */
    Node node(Node.Backward backward) {
        Node node = unrecorded;
        if (recording) {
            if (nodeCount == nodes.size()) {
                nodes.add(new Node());
            }
            node = nodes.get(nodeCount);
            node.index = nodeCount++;
        }
        node.backward = backward;
        node.out = null;
        node.tensorMark = tensorCount;
        node.heldMark = heldCount;
        return node;
    }

    /** Returns the next tensor, without shape or memory. */
    Tensor tensor(boolean wantsGradient) {
        if (tensorCount == tensors.size()) {
            tensors.add(new Tensor());
        }
        Tensor tensor = tensors.get(tensorCount);
        tensor.index = tensorCount++;
        tensor.block = null;
        tensor.gradient = null;
        tensor.loss = Double.NaN;
        tensor.wantsGradient = wantsGradient;
        return tensor;
    }

    /** Gives {@code tensor}, whose shape is set, memory of its own. */
    Tensor allocate(Tensor tensor, DType type) {
        Buffers.Block block = buffers.take(type, tensor.elements());
        hold(block);
        tensor.block = block;
        tensor.setValues(block.view(type, tensor.elements()));
        return tensor;
    }

    /** Makes a tensor of the shape of {@code x} but the last dimension. */
    Tensor like(Tensor x, int width, DType type, boolean wantsGradient) {
        Tensor made = tensor(wantsGradient);
        made.setShapeLike(x, width);
        return allocate(made, type);
    }

    /** Makes an fp32 tensor for statistics. */
    Tensor statistics(long elements) {
        Tensor made = tensor(false);
        made.setShape(Math.toIntExact(elements));
        return allocate(made, DType.FP32);
    }

    /** Says that the present operation reads {@code x} again in its backward step. */
    void reads(Tensor x) {
        if (x.block != null) {
            x.block.readers++;
        }
    }

    /** Keeps the values of {@code x} until the end of a pass in EVAL, or until backward begins. */
    void pin(Tensor x) {
        if (x.block != null) {
            x.block.pinned = true;
        }
    }

    private void hold(Buffers.Block block) {
        if (heldCount == held.size()) {
            held.add(block);
        } else {
            held.set(heldCount, block);
        }
        heldCount++;
    }

    // ---- layers

    Tensor run(Layer layer, Tensor x) {
        boolean checkpoint =
                recording && (layer.isCheckpointed() || checkpointsUnits && layer.isUnit());
        return checkpoint ? runCheckpointed(layer, x) : runOpen(layer, x);
    }

    private Tensor runOpen(Layer layer, Tensor x) {
        int tensorMark = tensorCount;
        int heldMark = heldCount;
        enter(layer);
        Tensor out = layer.forward(tape, x);
        leave(layer);
        return recording ? out : keepOnly(out, tensorMark, heldMark);
    }

    void enter(Part part) {
        if (part.unitIndex() != Part.NO_UNIT) {
            node((pass, n) -> pass.leases.leave(n.number)).number = part.unitIndex();
            leases.enter(part.unitIndex());
            leases.use(part.unitIndex(), position());
        }
    }

    void leave(Part part) {
        if (part.unitIndex() != Part.NO_UNIT) {
            leases.leave(part.unitIndex());
            node((pass, n) -> pass.leases.enter(n.number)).number = part.unitIndex();
        }
    }

    /** Returns the position of the newest node: where uses of units are noted. */
    int position() {
        return nodeCount - 1;
    }

    /** Frees what a layer made, except what it returns. */
    private Tensor keepOnly(Tensor out, int tensorMark, int heldMark) {
        int kept = heldMark;
        for (int i = heldMark; i < heldCount; i++) {
            Buffers.Block block = held.get(i);
            if (block == out.block || block.pinned) {
                held.set(kept++, block);
            } else {
                buffers.release(block);
            }
        }
        heldCount = kept;
        if (out.index >= tensorMark) {
            Tensor displaced = tensors.get(tensorMark);
            tensors.set(out.index, displaced);
            displaced.index = out.index;
            tensors.set(tensorMark, out);
            out.index = tensorMark;
            tensorCount = tensorMark + 1;
        } else {
            tensorCount = tensorMark;
        }
        return out;
    }

    private Tensor runCheckpointed(Layer layer, Tensor x) {
        Node node = node(Pass::recompute);
        node.x = x;
        node.layer = layer;
        node.number = dropouts;
        recording = false;
        Tensor out = runOpen(layer, x);
        recording = true;
        if (out == x) {
            nodeCount--;
            return x;
        }
        reads(x);
        node.out = out;
        return out;
    }

    private void recompute(Node node) {
        Layer layer = Gradients.present(node.layer);
        Tensor out = Gradients.present(node.out);
        int unit = layer.unitIndex();
        if (unit != Part.NO_UNIT) {
            leases.enter(unit); // one lease for both runs
        }
        int dropoutsAfter = dropouts;
        dropouts = node.number;
        nodeCount = node.index + 1;
        tensorCount = Math.max(node.tensorMark, out.index + 1);
        recording = true;
        Tensor again = runOpen(layer, Gradients.present(node.x));
        recording = false;
        dropouts = dropoutsAfter;
        gradients.share(again, Gradients.present(out.gradient), out);
        for (int i = nodeCount - 1; i > node.index; i--) {
            step(nodes.get(i));
        }
        nodeCount = node.index + 1;
        if (unit != Part.NO_UNIT) {
            leases.leave(unit);
        }
    }

    // ---- the walk back

    void backward(Tensor loss, float lossSeed, BackwardContext newContext) {
        if (!training) {
            throw new IllegalStateException(
                    "backward needs a forward pass in mode TRAIN; this one ran in EVAL.");
        }
        context = newContext;
        backwardContext = newContext;
        recording = false;
        leases.beginBackward(newContext);
        if (loss.wantsGradient) {
            loss.gradient = buffers.take(DType.FP32, 1);
            loss.gradientValues().set(0, lossSeed);
        }
        for (int i = nodeCount - 1; i >= 0; i--) {
            step(nodes.get(i));
            for (int unit = leases.nextToComplete(i); unit >= 0; unit = leases.nextToComplete(i)) {
                flush(unit, newContext);
                leases.complete(unit, newContext);
            }
        }
        leases.completeUnused(newContext);
        backwardContext = null;
        training = false;
    }

    private void step(Node node) {
        Tensor out = node.out;
        if (out == null) {
            node.backward.run(this, node);
        } else if (out.gradient != null) {
            node.backward.run(this, node);
            buffers.release(out.gradient);
            out.gradient = null;
        }
        while (heldCount > node.heldMark) {
            Buffers.Block block = held.get(--heldCount);
            buffers.release(block);
        }
        node.out = null;
    }

    /**
     * Returns the operation recorded just before {@code node} if it is an activation whose input has
     * no gradient yet. What else reads its result comes later on the tape and has had its turn.
     */
    @Nullable Node activationBefore(Node node) {
        Node before = node.index > 0 ? nodes.get(node.index - 1) : null;
        boolean fits =
                before != null
                        && ElementOps.isActivation(before)
                        && before.x != null
                        && before.out != null
                        && before.x.wantsGradient
                        && before.x.gradient == null
                        && before.x.type() == before.out.type();
        return fits ? before : null;
    }

    /** Returns where the gradient of a parameter goes. */
    Gradient gradient(Slot slot) {
        BackwardContext present = backwardContext;
        if (present == null) {
            throw new IllegalStateException("Gradients exist only in a backward pass.");
        }
        if (slot.addsUses()) {
            return slot;
        }
        return present.gradient(slot.parameter());
    }

    /** Hands over what was added up for {@code unit}, which has seen its last gradient. */
    private void flush(int unit, BackwardContext to) {
        for (Slot slot : slots.values()) {
            if (slot.unit() == unit) {
                slot.flush(to.gradient(slot.parameter()));
            }
        }
    }

    /** Returns the values of a parameter whose unit is open. */
    FlatBuffer open(Slot slot) {
        leases.enter(slot.unit());
        return leases.parameter(slot, position());
    }

    void close(Slot slot) {
        leases.leave(slot.unit());
    }
}
