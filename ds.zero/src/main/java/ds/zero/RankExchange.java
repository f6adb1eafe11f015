package ds.zero;

import ds.comm.Communicator;
import ds.comm.Split;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.ExactNorm;
import ds.kernels.Kernels;
import ds.kernels.Workers;
import ds.optim.spi.Optimizer;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * The exchanges that a replica optimizer may ask for, over a rank's communicator. Owned by the
 * rank's thread; its buffers grow to the longest exchange and stay.
 */
final class RankExchange implements Optimizer.Exchange {
    /** What a buffer is for. */
    private enum Use {
        OWN_PART,
        SIGNS_OUT,
        SIGNS_IN,
        SCALES
    }

    private final Communicator communicator;
    private final Kernels kernels;
    private final RankMemory memory;
    private final Map<Use, FlatBuffer> buffers = new EnumMap<>(Use.class);
    private final ExactNorm norm = new ExactNorm();
    private long sentBytes;

    RankExchange(Communicator communicator, Kernels kernels, RankMemory memory) {
        this.communicator = communicator;
        this.kernels = kernels;
        this.memory = memory;
    }

    private FlatBuffer buffer(Use use, DType type, long length) {
        FlatBuffer present = buffers.get(use);
        if (present == null || present.lengthElements() < length) {
            present = memory.allocate(MemoryKind.STAGING, type, length);
            buffers.put(use, present);
        }
        return present.slice(0, length);
    }

    /** Divides elements as evenly as whole elements go; the first ranks have one more. */
    private Split evenly(long length) {
        int world = communicator.size();
        long[] starts = new long[world + 1];
        for (int rank = 0; rank < world; rank++) {
            starts[rank + 1] = starts[rank] + length / world + (rank < length % world ? 1 : 0);
        }
        return new Split(starts);
    }

    /** Returns the bytes handed to other ranks so far. */
    long sentBytes() {
        return sentBytes;
    }

    @Override
    public int ranks() {
        return communicator.size();
    }

    @Override
    public void allReduceMean(FlatBuffer buffer) {
        Split split = evenly(buffer.lengthElements());
        int rank = communicator.rank();
        FlatBuffer own = buffer(Use.OWN_PART, DType.FP32, split.length(rank));
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
        long others = communicator.size() - 1L;
        sentBytes +=
                DType.FP32.bytesOf(
                        buffer.lengthElements() - split.length(rank) + others * split.length(rank));
    }

    /**
     * {@inheritDoc}
     *
     * <p>Tang et al. 2021 (arXiv:2102.02888), as DeepSpeed does it: each rank sends signs and one
     * scale, |x|/sqrt(n), and carries what that lost; the owner of a part averages, and sends signs
     * and one scale of the mean, and carries what that lost. Where DeepSpeed pads, the caller gives a
     * padded buffer: a length that is a multiple of 16 times the world needs none.
     */
    @Override
    public void compressedAllReduce(
            FlatBuffer buffer, FlatBuffer workerError, FlatBuffer serverError) {
        int world = communicator.size();
        int rank = communicator.rank();
        Split parts = evenly(buffer.lengthElements());
        Split sent = SignBits.words(parts);
        long mine = parts.length(rank);
        long myWords = sent.length(rank);
        long[] receivedStarts = new long[world + 1];
        for (int r = 0; r < world; r++) {
            receivedStarts[r + 1] = receivedStarts[r] + myWords;
        }

        kernels.add(buffer, workerError, buffer);
        FlatBuffer signs = buffer(Use.SIGNS_OUT, DType.BF16, sent.total());
        float scale = compress(buffer, parts, signs, sent, workerError);
        FlatBuffer received = buffer(Use.SIGNS_IN, DType.BF16, world * myWords);
        communicator.allToAll(signs, sent, received, new Split(receivedStarts)).await();
        FlatBuffer scales = gatherScales(scale);

        FlatBuffer mean = buffer(Use.OWN_PART, DType.FP32, mine);
        Workers workers = kernels.workers();
        SignBits.mean(workers, received, myWords, scales, serverError.slice(0, mine), mean);
        Split own = new Split(new long[] {0, mine});
        FlatBuffer ownSigns = signs.slice(sent.start(rank), myWords);
        float ownScale =
                compress(
                        mean,
                        own,
                        ownSigns,
                        new Split(new long[] {0, myWords}),
                        serverError.slice(0, mine));
        communicator.allGather(ownSigns, signs, sent).await();
        // Signs to their owners and of the mean to everybody, with a scale each.
        sentBytes +=
                DType.BF16.bytesOf(sent.total() - myWords + (world - 1) * myWords)
                        + 2 * DType.FP32.bytesOf(world - 1);
        FlatBuffer meanScales = gatherScales(ownScale);
        for (int r = 0; r < world; r++) {
            SignBits.unpack(
                    workers,
                    signs,
                    sent.start(r),
                    meanScales.get(r),
                    buffer,
                    parts.start(r),
                    parts.length(r));
        }
    }

    /** Writes the signs of {@code x}, part by part, keeps what is lost, and returns the scale. */
    private float compress(
            FlatBuffer x, Split parts, FlatBuffer signs, Split words, FlatBuffer error) {
        norm.clear();
        kernels.addSquares(x, norm);
        float scale =
                x.lengthElements() == 0 ? 0 : (float) (norm.norm() / Math.sqrt(x.lengthElements()));
        SignBits.pack(kernels.workers(), x, parts, scale, signs, words, error);
        return scale;
    }

    private FlatBuffer gatherScales(float scale) {
        FlatBuffer scales = buffer(Use.SCALES, DType.FP32, communicator.size());
        FlatBuffer own = scales.slice(communicator.rank(), 1);
        own.set(0, scale);
        communicator.allGather(own, scales, evenly(communicator.size())).await();
        return scales;
    }
}
