package ds.engine;

import ds.engine.data.Dataset;
import ds.engine.plan.BatchPlan;
import ds.kernels.Kernels;
import ds.model.Batch;
import java.lang.foreign.Arena;

/** Evaluates a data set in micro-batches that ranks take in turn, all in the same number of passes. */
record Evaluator(BatchPlan plan) {
    /** Returns the result on every rank, with the same bits whatever the world size. */
    Evaluation evaluate(Rank rank, Dataset data) {
        int size = (int) Math.min(plan.micro(), data.samples());
        long batches = (data.samples() + size - 1) / size;
        long passes = (batches + plan.world() - 1) / plan.world();
        // Per batch the sum of its targets' losses and how many these are, side by side.
        double[] sums = new double[Math.toIntExact(2 * passes * plan.world())];
        try (Arena arena = Arena.ofShared()) {
            Batch memory = data.allocate(arena, size);
            for (long pass = 0; pass < passes; pass++) {
                long index = pass * plan.world() + rank.number();
                // A rank without a batch of its own repeats the last one, so that gathers match.
                long first = Math.min(index, batches - 1) * size;
                int count = (int) Math.min(size, data.samples() - first);
                for (int row = 0; row < count; row++) {
                    data.fill(first + row, memory, row);
                }
                Batch batch = memory.at(first).slice(0, count);
                double loss = rank.evaluate(batch);
                if (index < batches) {
                    long targets = batch.targets();
                    sums[(int) (2 * index)] = targets == 0 ? 0 : loss * targets;
                    sums[(int) (2 * index + 1)] = targets;
                }
            }
        }
        rank.sumOverRanks(sums);
        return mean(sums, data);
    }

    private static Evaluation mean(double[] sums, Dataset data) {
        double loss = 0;
        long targets = 0;
        for (int i = 0; i < sums.length; i += 2) {
            loss += sums[i];
            targets += (long) sums[i + 1];
        }
        if (targets == 0) {
            throw new IllegalArgumentException(
                    "The data (%s) has no target that counts, so there is no loss; %d means ignored."
                            .formatted(data.describe(), Kernels.IGNORED_TARGET));
        }
        return new Evaluation(loss / targets, data.samples(), targets);
    }
}
