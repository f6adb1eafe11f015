package ds.zero;

import ds.core.FlatBuffer;
import ds.model.Parameter;

/** Receives the pieces of tensors that one rank owns. */
@FunctionalInterface
public interface TensorSink {
    /** The kind of the weights themselves; every other kind is the name of an optimizer slot. */
    String MASTER = "master";

    /**
     * Takes elements [offset, offset + values.lengthElements()) of one tensor.
     *
     * @param parameter the parameter that owns the storage
     * @param kind {@value #MASTER}, or an optimizer slot's name
     * @param offset first element inside the parameter
     * @param values fp32; borrowed for the call
     */
    void accept(Parameter parameter, String kind, long offset, FlatBuffer values);
}
