package ds.model;

import ds.core.FlatBuffer;
import java.util.Map;

/** What a forward pass leaves for the backward pass. Closing it gives its workspace back. */
public interface Activations extends AutoCloseable {
    /** Returns the mean loss over the batch's targets. */
    double loss();

    /**
     * Returns named outputs: {@code logits}, auxiliary losses. Valid until closed, or until the
     * backward pass begins.
     */
    Map<String, FlatBuffer> outputs();

    /**
     * Returns the floating-point operations of the forward pass in matrix products and attention, a
     * multiply-add counted as two; 0 where that is not known.
     */
    default long productOperations() {
        return 0;
    }

    @Override
    void close();
}
