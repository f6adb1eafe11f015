package ds.model.nn;

import ds.core.DType;
import ds.core.FlatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of tensors while the walk back is on. A gradient is a block with a count of holders:
 * the two sides of an addition share one until somebody adds to it. Every store is one rounding.
 */
final class Gradients {
    private final Pass pass;
    private boolean adding;
    private Buffers.@Nullable Block scratch; // between begin and end

    Gradients(Pass pass) {
        this.pass = pass;
    }

    /** Returns a value that the design says is there. */
    static <T> T present(@Nullable T value) {
        if (value == null) {
            throw new AssertionError("A node of the tape lacks one of its operands.");
        }
        return value;
    }

    /**
     * Returns the place of {@code x}'s gradient for a kernel that can add; ask {@link #adding} whether
     * it must.
     */
    FlatBuffer of(Tensor x) {
        Buffers.Block block = x.gradient;
        adding = block != null;
        if (block == null) {
            x.gradient = pass.buffers.take(x.type(), x.elements());
        } else if (!block.isExclusive()) {
            FlatBuffer before = x.gradientValues();
            x.gradient = pass.buffers.take(x.type(), x.elements());
            x.gradientValues().copyFrom(before);
            pass.buffers.release(block);
        }
        return x.gradientValues();
    }

    /** Whether the place returned last holds a gradient already. */
    boolean adding() {
        return adding;
    }

    /** Returns a place for a kernel that overwrites; {@link #end} then adds it where needed. */
    FlatBuffer begin(Tensor x) {
        if (x.gradient == null) {
            return of(x);
        }
        Buffers.Block block = pass.buffers.take(x.type(), x.elements());
        scratch = block;
        return block.view(x.type(), x.elements());
    }

    /** Ends what {@link #begin} began. */
    void end(Tensor x) {
        Buffers.Block block = scratch;
        if (block != null) {
            scratch = null;
            FlatBuffer dx = of(x);
            pass.kernels().add(dx, block.view(x.type(), x.elements()), dx);
            pass.buffers.release(block);
        }
    }

    /** Adds the gradient of {@code from}, which has as many elements, to that of {@code x}. */
    void share(Tensor x, Buffers.Block gradient, Tensor from) {
        share(x, gradient, from.type());
    }

    /** Adds a block of as many elements of {@code type} to the gradient of {@code x}. */
    void share(Tensor x, Buffers.Block gradient, DType type) {
        if (!x.wantsGradient) {
            return;
        }
        if (x.gradient == null && x.type() == type) {
            pass.buffers.retain(gradient);
            x.gradient = gradient;
            return;
        }
        FlatBuffer dx = of(x);
        FlatBuffer given = gradient.view(type, x.elements());
        pass.kernels().scale(1, given, dx, adding);
    }

    /**
     * Returns where a kernel that may work in place writes: the gradient of {@code out} itself if
     * nobody else holds it.
     */
    FlatBuffer inPlace(Tensor x, Tensor out) {
        Buffers.Block given = present(out.gradient);
        if (x.gradient == null && given.isExclusive() && x.type() == out.type()) {
            pass.buffers.retain(given);
            x.gradient = given;
            adding = false;
            return x.gradientValues();
        }
        return of(x);
    }
}
