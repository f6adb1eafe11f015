package ds.model.nn;

import static java.lang.Math.exp;
import static java.lang.Math.log;
import static java.lang.Math.sqrt;
import static java.lang.Math.tanh;

import java.util.function.DoubleUnaryOperator;

/** Forward passes in double precision, written from the formulas, for numerical derivatives. */
final class Reference {
    private Reference() {}

    static double[] map(double[] x, DoubleUnaryOperator f) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = f.applyAsDouble(x[i]);
        }
        return y;
    }

    static double gelu(double x) {
        return 0.5 * x * (1 + tanh(sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    /** x Φ(x), the error function by its series: good for |x| up to 5. */
    static double geluErf(double x) {
        double z = x / sqrt(2);
        double term = z;
        double erf = z;
        for (int n = 1; n < 200; n++) {
            term *= -z * z / n;
            erf += term / (2 * n + 1);
        }
        return 0.5 * x * (1 + 2 / sqrt(Math.PI) * erf);
    }

    static double silu(double x) {
        return x / (1 + exp(-x));
    }

    static double[] add(double[] a, double[] b) {
        double[] y = a.clone();
        for (int i = 0; i < y.length; i++) {
            y[i] += b[i];
        }
        return y;
    }

    static double[] multiply(double[] a, double[] b) {
        double[] y = a.clone();
        for (int i = 0; i < y.length; i++) {
            y[i] *= b[i];
        }
        return y;
    }

    /** op(a)[m,k] op(b)[k,n]. */
    static double[] matmul(double[] a, boolean ta, double[] b, boolean tb, int m, int n, int k) {
        double[] y = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                for (int l = 0; l < k; l++) {
                    double left = ta ? a[l * m + i] : a[i * k + l];
                    double right = tb ? b[j * k + l] : b[l * n + j];
                    y[i * n + j] += left * right;
                }
            }
        }
        return y;
    }

    /** x[rows,in] w[out,in]ᵀ + b. */
    static double[] linear(double[] x, double[] w, double[] b, int rows, int in, int out) {
        double[] y = matmul(x, false, w, true, rows, out, in);
        for (int i = 0; i < y.length; i++) {
            y[i] += b[i % out];
        }
        return y;
    }

    static double[] layerNorm(double[] x, double[] gamma, double[] beta, int width, double eps) {
        double[] y = new double[x.length];
        for (int row = 0; row < x.length; row += width) {
            double mean = 0;
            double variance = 0;
            for (int i = 0; i < width; i++) {
                mean += x[row + i] / width;
            }
            for (int i = 0; i < width; i++) {
                variance += (x[row + i] - mean) * (x[row + i] - mean) / width;
            }
            for (int i = 0; i < width; i++) {
                y[row + i] = gamma[i] * (x[row + i] - mean) / sqrt(variance + eps) + beta[i];
            }
        }
        return y;
    }

    static double[] rmsNorm(double[] x, double[] gamma, int width, double eps) {
        double[] y = new double[x.length];
        for (int row = 0; row < x.length; row += width) {
            double squares = 0;
            for (int i = 0; i < width; i++) {
                squares += x[row + i] * x[row + i] / width;
            }
            for (int i = 0; i < width; i++) {
                y[row + i] = gamma[i] * x[row + i] / sqrt(squares + eps);
            }
        }
        return y;
    }

    /** qkv[sequences·tokens, 3·heads·size]. */
    static double[] attention(double[] qkv, int sequences, int tokens, int heads, int size) {
        int width = heads * size;
        double[] y = new double[sequences * tokens * width];
        for (int s = 0; s < sequences; s++) {
            for (int h = 0; h < heads; h++) {
                for (int i = 0; i < tokens; i++) {
                    double[] weight = new double[i + 1];
                    double sum = 0;
                    for (int j = 0; j <= i; j++) {
                        double score = 0;
                        for (int c = 0; c < size; c++) {
                            score +=
                                    qkv[(s * tokens + i) * 3 * width + h * size + c]
                                            * qkv[
                                                    (s * tokens + j) * 3 * width
                                                            + width
                                                            + h * size
                                                            + c];
                        }
                        weight[j] = exp(score / sqrt(size));
                        sum += weight[j];
                    }
                    for (int j = 0; j <= i; j++) {
                        for (int c = 0; c < size; c++) {
                            y[(s * tokens + i) * width + h * size + c] +=
                                    weight[j]
                                            / sum
                                            * qkv[
                                                    (s * tokens + j) * 3 * width
                                                            + 2 * width
                                                            + h * size
                                                            + c];
                        }
                    }
                }
            }
        }
        return y;
    }

    static double[] rope(double[] qkv, int tokens, int heads, int size, double base) {
        double[] y = qkv.clone();
        int width = heads * size;
        for (int row = 0; row < qkv.length / (3 * width); row++) {
            for (int head = 0; head < 2 * heads; head++) { // q and k
                for (int i = 0; i < size / 2; i++) {
                    double angle = row % tokens * Math.pow(base, -2.0 * i / size);
                    int at = row * 3 * width + head * size + i;
                    double a = qkv[at];
                    double b = qkv[at + size / 2];
                    y[at] = a * Math.cos(angle) - b * Math.sin(angle);
                    y[at + size / 2] = b * Math.cos(angle) + a * Math.sin(angle);
                }
            }
        }
        return y;
    }

    static double[] columns(double[] x, int width, int from, int count) {
        double[] y = new double[x.length / width * count];
        for (int i = 0; i < y.length; i++) {
            y[i] = x[i / count * width + from + i % count];
        }
        return y;
    }

    static double[] transpose(double[] x, int rows, int width) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i % width * rows + i / width] = x[i];
        }
        return y;
    }

    static double[] concat(double[] a, int widthA, double[] b, int widthB) {
        int width = widthA + widthB;
        double[] y = new double[a.length + b.length];
        for (int i = 0; i < y.length; i++) {
            int row = i / width;
            int column = i % width;
            y[i] = column < widthA ? a[row * widthA + column] : b[row * widthB + column - widthA];
        }
        return y;
    }

    static double meanSquaredError(double[] prediction, double[] target) {
        double sum = 0;
        for (int i = 0; i < prediction.length; i++) {
            sum += (prediction[i] - target[i]) * (prediction[i] - target[i]);
        }
        return sum / prediction.length;
    }

    static double crossEntropy(double[] logits, int[] targets, int classes) {
        double sum = 0;
        int count = 0;
        for (int row = 0; row < targets.length; row++) {
            if (targets[row] >= 0) {
                double total = 0;
                for (int c = 0; c < classes; c++) {
                    total += exp(logits[row * classes + c]);
                }
                sum += log(total) - logits[row * classes + targets[row]];
                count++;
            }
        }
        return sum / count;
    }
}
