package ds.model.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.Rounding;
import ds.model.Activations;
import ds.model.Batch;
import ds.model.Field;
import ds.model.SoloContext;
import ds.model.builtin.Mlp;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Where products are cast, operands are rounded, results and gradients are stored in that type, and
 * everything else is fp32.
 */
class CastProductsTest {
    private static final int SAMPLES = 5;
    private static final int INPUTS = 3;
    private static final int OUTPUTS = 2;

    private static float[] values(int count, double seed) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) Math.sin(seed + 1.7 * i);
        }
        return values;
    }

    private static Field field(int width, float... values) {
        return new Field(Field.Type.FLOAT32, List.of(width), MemorySegment.ofArray(values));
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"BF16", "FP16"})
    void roundsOperandsResultsAndGradients(DType cast) {
        float[] x = values(SAMPLES * INPUTS, 1);
        float[] target = values(SAMPLES * OUTPUTS, 2);
        Mlp model = Mlp.of(INPUTS, OUTPUTS);
        Batch batch = new Batch(0, SAMPLES, field(INPUTS, x), field(OUTPUTS, target));
        try (SoloContext context = new SoloContext(model, DType.FP32, 3).products(cast);
                Activations made = model.forward(batch, context)) {
            FlatBuffer y = made.outputs().get("logits");
            FlatBuffer w = context.master("W1");
            FlatBuffer b = context.master("b1");
            assertEquals(cast, y.type());
            for (int i = 0; i < SAMPLES * OUTPUTS; i++) {
                double sum = Rounding.stored(b.get(i % OUTPUTS), cast);
                for (int j = 0; j < INPUTS; j++) {
                    sum +=
                            (double) Rounding.stored(x[i / OUTPUTS * INPUTS + j], cast)
                                    * Rounding.stored(w.get(i % OUTPUTS * INPUTS + j), cast);
                }
                assertEquals(Rounding.stored((float) sum, cast), y.get(i), "y[" + i + "]");
            }
            float[] dy = new float[SAMPLES * OUTPUTS];
            for (int i = 0; i < dy.length; i++) {
                dy[i] = Rounding.stored(2f / dy.length * (y.get(i) - target[i]), cast);
            }
            model.backward(made, 1, context);
            FlatBuffer dw = context.gradientOf("W1");
            assertEquals(DType.FP32, dw.type());
            for (int k = 0; k < OUTPUTS * INPUTS; k++) {
                double sum = 0;
                for (int s = 0; s < SAMPLES; s++) {
                    sum +=
                            (double) dy[s * OUTPUTS + k / INPUTS]
                                    * Rounding.stored(x[s * INPUTS + k % INPUTS], cast);
                }
                assertEquals(Rounding.stored((float) sum, cast), dw.get(k), "dW[" + k + "]");
            }
        }
    }
}
