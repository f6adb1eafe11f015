package ds.zero;

import ds.comm.Communicator;
import ds.comm.Split;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import ds.optim.spi.Optimizer;
import java.util.List;
import java.util.Optional;

/** The exchanges that a replica optimizer may ask for, over a rank's communicator. */
final class RankExchange implements Optimizer.Exchange {
    private final Communicator communicator;
    private final Kernels kernels;
    private final RankMemory memory;
    private Optional<FlatBuffer> scratch = Optional.empty();

    RankExchange(Communicator communicator, Kernels kernels, RankMemory memory) {
        this.communicator = communicator;
        this.kernels = kernels;
        this.memory = memory;
    }

    private FlatBuffer scratch(long length) {
        if (scratch.isEmpty() || scratch.get().lengthElements() < length) {
            scratch = Optional.of(memory.allocate(MemoryKind.STAGING, DType.FP32, length));
        }
        return scratch.get().slice(0, length);
    }

    private Split evenly(long length) {
        int world = communicator.size();
        long[] starts = new long[world + 1];
        for (int rank = 0; rank < world; rank++) {
            starts[rank + 1] = starts[rank] + length / world + (rank < length % world ? 1 : 0);
        }
        return new Split(starts);
    }

    @Override
    public void allReduceMean(FlatBuffer buffer) {
        Split split = evenly(buffer.lengthElements());
        int rank = communicator.rank();
        FlatBuffer own = scratch(split.length(rank));
        float factor = (float) (1.0 / communicator.size());
        communicator
                .orderedReduceScatter(
                        buffer,
                        split,
                        slices -> {
                            kernels.fold(own, slices, true, Optional.empty());
                            kernels.scale(factor, own, own, false);
                        })
                .await();
        communicator.allGather(own, buffer, split).await();
    }

    @Override
    public void compressedAllReduce(
            FlatBuffer buffer, FlatBuffer workerError, FlatBuffer serverError) {
        throw new UnsupportedOperationException("compressedAllReduce");
    }

    static List<FlatBuffer> none() {
        return List.of();
    }
}
