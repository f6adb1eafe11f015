package ds.kernels.host;

import ds.core.FlatBuffer;
import java.util.Arrays;
import java.util.Optional;

/** Layer and root-mean-square normalization of rows. */
final class Norms {
    private static final int X = 0;
    private static final int GAMMA = 1;
    private static final int BETA = 2;
    private static final int SLOPE = 3;

    private final Team team;
    private final RowSums sums;

    Norms(Team team, RowSums sums) {
        this.team = team;
        this.sums = sums;
    }

    private static float reciprocalRoot(float meanSquare, float eps) {
        return (float) (1.0 / Math.sqrt((double) meanSquare + eps));
    }

    /** Layer norm with {@code mean} and {@code beta}, else the root-mean-square norm. */
    void forward(
            FlatBuffer x,
            FlatBuffer gamma,
            Optional<FlatBuffer> beta,
            int rows,
            int width,
            float eps,
            FlatBuffer y,
            Optional<FlatBuffer> mean,
            FlatBuffer reciprocal) {
        team.rows(
                rows,
                width,
                (own, first, end) -> {
                    float[] row = own.slot(X, width);
                    float[] gammas = own.slot(GAMMA, width);
                    float[] betas = own.slot(BETA, width);
                    own.load(gamma, 0, gammas, 0, width);
                    if (beta.isPresent()) {
                        own.load(beta.get(), 0, betas, 0, width);
                    } else {
                        Arrays.fill(betas, 0, width, -0f);
                    }
                    for (int i = first; i < end; i++) {
                        own.load(x, (long) i * width, row, 0, width);
                        float center = mean.isPresent() ? own.lanes.sum(row, 0, width) / width : 0f;
                        float root =
                                reciprocalRoot(
                                        own.lanes.deviation(row, 0, center, width) / width, eps);
                        own.lanes.normalize(row, 0, center, root, gammas, betas, row, 0, width);
                        own.store(y, (long) i * width, row, 0, width);
                        if (mean.isPresent()) {
                            mean.get().set(i, center);
                        }
                        reciprocal.set(i, root);
                    }
                });
    }

    /** The gradient of {@link #forward}. */
    void backward(
            FlatBuffer x,
            FlatBuffer gamma,
            FlatBuffer dy,
            Optional<FlatBuffer> mean,
            FlatBuffer reciprocal,
            int rows,
            int width,
            FlatBuffer dx,
            boolean accumulateDx,
            Optional<FlatBuffer> dGamma,
            boolean accumulateDGamma,
            Optional<FlatBuffer> dBeta,
            boolean accumulateDBeta) {
        float[] partial = sums.begin(rows, width, 2);
        team.parts(
                RowSums.groups(rows),
                (own, group) -> {
                    float[] row = own.slot(X, width);
                    float[] slope = own.slot(SLOPE, width);
                    float[] gammas = own.slot(GAMMA, width);
                    own.load(gamma, 0, gammas, 0, width);
                    int at = group * 2 * width;
                    int end = Math.min(rows, (group + 1) * RowSums.GROUP);
                    for (int i = group * RowSums.GROUP; i < end; i++) {
                        float root = reciprocal.get(i);
                        own.load(x, (long) i * width, row, 0, width);
                        own.load(dy, (long) i * width, slope, 0, width);
                        float center = mean.isPresent() ? mean.get().get(i) : 0f;
                        own.lanes.standardize(row, center, root, slope, gammas, partial, at, width);
                        float meanSlope =
                                mean.isPresent() ? own.lanes.sum(slope, 0, width) / width : 0f;
                        float meanProduct = own.lanes.dot(slope, 0, row, 0, width) / width;
                        own.lanes.normSlope(row, root, meanSlope, meanProduct, slope, width);
                        own.store(dx, (long) i * width, slope, 0, width, accumulateDx);
                    }
                });
        if (dGamma.isPresent()) {
            sums.finish(rows, width, 2, 0, dGamma.get(), accumulateDGamma);
        }
        if (dBeta.isPresent()) {
            sums.finish(rows, width, 2, 1, dBeta.get(), accumulateDBeta);
        }
    }
}
