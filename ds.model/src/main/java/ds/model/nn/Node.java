package ds.model.nn;

import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One recorded operation. The tape keeps nodes by position and uses them again in every pass, so
 * fields that an operation does not need hold whatever an earlier one left.
 */
final class Node {
    /** What to do in the backward pass. */
    @FunctionalInterface
    interface Backward {
        /** Turns the gradient of {@code node.out} into gradients of its inputs and parameters. */
        void run(Pass pass, Node node);
    }

    int index;
    Backward backward = (_, _) -> {};

    /** Number of tensors and of held blocks before this operation made its own. */
    int tensorMark;

    int heldMark;

    @Nullable Tensor x;
    @Nullable Tensor y;
    @Nullable Tensor out;

    /** What the forward pass keeps in fp32: statistics. */
    @Nullable Tensor first;

    @Nullable Tensor second;
    @Nullable Slot weight;
    @Nullable Slot bias;
    @Nullable Layer layer;
    MemorySegment ids = MemorySegment.NULL;
    @Nullable FlatBuffer data;
    Kernels.Activation activation = Kernels.Activation.RELU;
    Kernels.AttentionShape attention = new Kernels.AttentionShape(1, 1, 1, 1);
    int number;
    int other;
    float factor;
    double base;
    boolean flagX;
    boolean flagY;
}
