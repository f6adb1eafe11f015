package ds.zero;

import ds.core.FlatBuffer;
import ds.model.Lease;
import ds.model.Parameter;
import ds.offload.Transfers;
import java.util.Map;

/** The working parameters of one rank. Owned by the rank's thread. */
interface Parameters {
    /** Returns which elements this rank keeps, frozen ones included. */
    OwnedSpace held();

    /**
     * Returns the memory where held elements live, in the precision of the run.
     *
     * @throws IllegalStateException if they do not rest in memory
     */
    FlatBuffer memory(long firstHeld, long length);

    /** Returns whether all held elements rest in memory, so that a step can write them in place. */
    boolean inMemory();

    /** Returns whether the run of a held element rests in memory. */
    default boolean inMemory(long firstHeld) {
        return inMemory();
    }

    /** Replaces held elements, which need not rest in memory; inside one run. */
    void write(long firstHeld, FlatBuffer values);

    /** Reads held elements, which need not rest in memory; inside one run. */
    void read(long firstHeld, FlatBuffer into);

    /** Hands new values out; with {@code frozen} also those that are never stepped. Collective. */
    void publish(boolean frozen);

    /** Returns the fp32 copies of masters that are lent instead of 16-bit parameters. */
    default Map<Parameter, FlatBuffer> wide() {
        return Map.of();
    }

    /** Gathers a unit and lends it. Collective where parameters are sharded. */
    Lease acquire(int unit);

    /** Notes what is there, for {@link #abandon}. On all ranks at the same point, nothing lent. */
    void mark();

    /** Makes what was gathered since the mark unknown, the same on all ranks; leases end. */
    void abandon();

    /** Returns the most elements on loan at once. */
    long liveElementsHighWater();

    /** Returns nanoseconds spent waiting for storage. */
    long stallNanos();

    /** Returns what was moved between memory and files. */
    default Transfers transfers() {
        return Transfers.NONE;
    }

    /** Returns bytes at rest outside memory. */
    long storedBytes();
}
