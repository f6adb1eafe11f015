package ds.engine;

import ds.engine.data.Dataset;
import ds.engine.plan.BatchPlan;
import ds.model.Batch;
import java.lang.foreign.Arena;

/** Evaluates a data set in micro-batches that ranks take in turn, all in the same number of passes. */
record Evaluator(BatchPlan plan) {
    /** Returns the result on every rank, with the same bits whatever the world size. */
    Evaluation evaluate(int rank, Rank state, Dataset data) {
        int size = (int) Math.min(plan.micro(), data.samples());
        long batches = (data.samples() + size - 1) / size;
        long passes = (batches + plan.world() - 1) / plan.world();
        double[] losses = new double[Math.toIntExact(passes * plan.world())];
        try (Arena arena = Arena.ofShared()) {
            Batch memory = data.allocate(arena, size);
            for (long pass = 0; pass < passes; pass++) {
                long index = pass * plan.world() + rank;
                // A rank without a batch of its own repeats the last one, so that gathers match.
                long first = Math.min(index, batches - 1) * size;
                int count = (int) Math.min(size, data.samples() - first);
                for (int row = 0; row < count; row++) {
                    data.fill(first + row, memory, row);
                }
                double loss = state.evaluate(memory.at(first).slice(0, count));
                if (index < batches) {
                    losses[(int) index] = loss * count;
                }
            }
        }
        state.sumOverRanks(losses);
        double sum = 0;
        for (double loss : losses) {
            sum += loss;
        }
        return new Evaluation(sum / data.samples(), data.samples());
    }
}
