package ds.zero;

import ds.comm.Communicator;
import ds.core.Device;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import ds.optim.spi.Optimizer;

/**
 * What one rank works with. All are borrowed: whoever made them closes them, after {@link
 * ZeroRank#close}.
 *
 * @param communicator this rank's view of the data-parallel group
 * @param kernels the math, with the rank's worker pool
 * @param memory where every off-heap byte of the rank comes from
 * @param device where step kernels run
 * @param optimizer the update rule
 * @param stores opens the rank's stores
 */
public record RankParts(
        Communicator communicator,
        Kernels kernels,
        RankMemory memory,
        Device device,
        Optimizer optimizer,
        StoreFactory stores) {}
