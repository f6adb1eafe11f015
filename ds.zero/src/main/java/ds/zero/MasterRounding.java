package ds.zero;

import ds.core.FlatBuffer;
import ds.kernels.Kernels;
import ds.kernels.Philox;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.optim.spi.ParameterRange;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes new weights back to masters that rest in 16 bits. Owned by the rank's thread. */
final class MasterRounding {
    private final Kernels kernels;
    private final StateStorage storage;
    private final Philox random;
    private final Map<String, Long> starts = new HashMap<>();

    MasterRounding(ModelLayout layout, ZeroOptions options, Kernels kernels) {
        this.kernels = kernels;
        this.storage = options.states();
        this.random = new Philox(options.seed(), Philox.ROUNDING);
        long start = 0;
        for (Parameter parameter : layout.storages()) {
            starts.put(parameter.name(), start);
            start += PartitionMap.padded(parameter.elements());
        }
    }

    /**
     * Rounds, to nearest even or by chance.
     *
     * @param ranges which parameters' elements the buffers hold
     * @param from fp32
     * @param to the masters, of the same length
     */
    void round(List<ParameterRange> ranges, FlatBuffer from, FlatBuffer to, long appliedSteps) {
        if (!storage.stochastic()) {
            kernels.convert(from, to);
            return;
        }
        for (ParameterRange range : ranges) {
            long at = range.shardOffset();
            kernels.roundStochastically(
                    from.slice(at, range.length()),
                    random,
                    appliedSteps,
                    start(range.parameter().name()) + range.parameterOffset(),
                    to.slice(at, range.length()));
        }
    }

    /** Returns where a parameter begins in the logical space, whatever the partition. */
    private long start(String name) {
        Long start = starts.get(name);
        if (start == null) {
            throw new IllegalArgumentException("There is no parameter '%s'.".formatted(name));
        }
        return start;
    }
}
