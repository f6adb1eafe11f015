package ds.model;

import ds.core.FlatBuffer;

/** A gathered unit, on loan until closed. Leases nest. */
public interface Lease extends AutoCloseable {
    /**
     * Returns the whole parameter in the precision of the run, row-major. Valid until {@link #close}.
     *
     * @param parameter of the leased unit; a tied one reads the storage it shares
     */
    FlatBuffer parameter(Parameter parameter);

    /** Gives the unit back; at stage 3 its memory may be reused. */
    @Override
    void close();
}
