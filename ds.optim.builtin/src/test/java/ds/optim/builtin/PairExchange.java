package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.Optimizer;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Exchanges between two threads, written down as the notes on the recordings say it. */
final class PairExchange implements Optimizer.Exchange {
    private static final int RANKS = 2;
    private static final long PATIENCE_SECONDS = 60;

    /** What the two threads see of one another. */
    static final class Table {
        private final float[][] values = new float[RANKS][];
        private final CyclicBarrier barrier = new CyclicBarrier(RANKS);
    }

    private final Table table;
    private final int rank;
    private long compressed;

    PairExchange(Table table, int rank) {
        this.table = table;
        this.rank = rank;
    }

    /** Returns how many compressed exchanges there were. */
    long compressed() {
        return compressed;
    }

    @Override
    public int ranks() {
        return RANKS;
    }

    @Override
    public void allReduceMean(FlatBuffer buffer) {
        throw new AssertionError("no recording asks for it");
    }

    @Override
    public void compressedAllReduce(
            FlatBuffer buffer, FlatBuffer workerError, FlatBuffer serverError) {
        compressed++;
        int length = (int) buffer.lengthElements();
        int part = length / RANKS;
        float[] x = buffer.toFloats();
        for (int i = 0; i < length; i++) {
            x[i] += workerError.get(i);
        }
        float[][] sent = publish(signs(x, workerError));
        float[] mean = new float[part];
        for (int i = 0; i < part; i++) {
            for (int r = 0; r < RANKS; r++) {
                mean[i] += sent[r][rank * part + i] / RANKS;
            }
            mean[i] += serverError.get(i);
        }
        float[][] parts = publish(signs(mean, serverError));
        for (int i = 0; i < length; i++) {
            buffer.set(i, parts[i / part][i % part]);
        }
    }

    /** Returns ± one scale, and keeps what that lost. */
    private static float[] signs(float[] x, FlatBuffer error) {
        double squares = 0;
        for (float value : x) {
            squares += (double) value * value;
        }
        float scale = (float) (Math.sqrt(squares) / Math.sqrt(x.length));
        float[] signs = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            signs[i] = Math.copySign(scale, x[i]);
            error.set(i, x[i] - signs[i]);
        }
        return signs;
    }

    private float[][] publish(float[] values) {
        table.values[rank] = values;
        await();
        float[][] all = table.values.clone();
        await();
        return all;
    }

    private void await() {
        try {
            table.barrier.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }
}
