package ds.zero;

import ds.core.FlatBuffer;
import ds.model.Parameter;

/** Delivers pieces of tensors, whatever world they were written by. */
@FunctionalInterface
public interface TensorSource {
    /**
     * Fills {@code into} with elements starting at {@code offset} of one tensor.
     *
     * @param parameter the parameter that owns the storage
     * @param kind {@link TensorSink#MASTER}, or an optimizer slot's name
     * @param offset first element inside the parameter
     * @param into fp32; borrowed for the call
     */
    void read(Parameter parameter, String kind, long offset, FlatBuffer into);
}
