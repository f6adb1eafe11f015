package ds.testkit;

import ds.kernels.Kernels.Activation;
import ds.kernels.Kernels.AttentionShape;
import java.util.function.ToDoubleFunction;

/** The formulas of the kernels in fp64, and their slopes by central differences. */
final class Formulas {
    /** Half the distance of a central difference. */
    static final double STEP = 1e-5;

    /** What norms add to a variance. */
    static final double EPS = 1e-5;

    private Formulas() {}

    /** Central differences of {@code f} by every element of {@code x}. */
    static double[] gradient(double[] x, ToDoubleFunction<double[]> f) {
        double[] slopes = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            double old = x[i];
            x[i] = old + STEP;
            double up = f.applyAsDouble(x);
            x[i] = old - STEP;
            double down = f.applyAsDouble(x);
            x[i] = old;
            slopes[i] = (up - down) / (2 * STEP);
        }
        return slopes;
    }

    static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    static double[] add(double[] a, double[] b) {
        double[] sum = a.clone();
        for (int i = 0; i < a.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }

    /** The error function by its series, good for |x| up to 4. */
    static double erf(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; n < 200; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }

    static double activation(Activation f, double x) {
        return switch (f) {
            case GELU ->
                    0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case RELU -> Math.max(x, 0);
            case SILU -> x / (1 + Math.exp(-x));
            case TANH -> Math.tanh(x);
            case GELU_ERF -> x * (0.5 + erf(x / Math.sqrt(2)) / 2);
        };
    }

    static double[] norm(
            double[] x, double[] gamma, double[] beta, int rows, int width, boolean centered) {
        double[] y = new double[x.length];
        for (int r = 0; r < rows; r++) {
            double mean = 0;
            for (int j = 0; centered && j < width; j++) {
                mean += x[r * width + j] / width;
            }
            double square = 0;
            for (int j = 0; j < width; j++) {
                square += Math.pow(x[r * width + j] - mean, 2) / width;
            }
            for (int j = 0; j < width; j++) {
                y[r * width + j] =
                        (x[r * width + j] - mean) / Math.sqrt(square + EPS) * gamma[j] + beta[j];
            }
        }
        return y;
    }

    static double[] attention(AttentionShape s, double[] qkv) {
        int w = s.width();
        double[] out = new double[s.sequences() * s.tokens() * w];
        for (int b = 0; b < s.sequences(); b++) {
            for (int h = 0; h < s.heads(); h++) {
                for (int i = 0; i < s.tokens(); i++) {
                    int q = (b * s.tokens() + i) * 3 * w + h * s.headWidth();
                    double[] weights = new double[i + 1];
                    double sum = 0;
                    for (int j = 0; j <= i; j++) {
                        int k = (b * s.tokens() + j) * 3 * w + w + h * s.headWidth();
                        double score = 0;
                        for (int c = 0; c < s.headWidth(); c++) {
                            score += qkv[q + c] * qkv[k + c];
                        }
                        weights[j] = Math.exp(score / Math.sqrt(s.headWidth()));
                        sum += weights[j];
                    }
                    for (int j = 0; j <= i; j++) {
                        int v = (b * s.tokens() + j) * 3 * w + 2 * w + h * s.headWidth();
                        int o = (b * s.tokens() + i) * w + h * s.headWidth();
                        for (int c = 0; c < s.headWidth(); c++) {
                            out[o + c] += weights[j] / sum * qkv[v + c];
                        }
                    }
                }
            }
        }
        return out;
    }
}
