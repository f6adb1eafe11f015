package ds.engine;

import ds.kernels.Kernels;
import ds.kernels.Philox;
import ds.model.Batch;
import ds.model.Field;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Draws bytes from a byte-level language model, one forward pass over the whole window per byte.
 * Every rank draws the same bytes, since all see the same logits and the same random numbers.
 */
record Generator(Rank rank) {
    private static final int BYTES = 256;

    String generate(String prompt, GenerateOptions options) {
        byte[] start =
                prompt.isEmpty() ? new byte[] {'\n'} : prompt.getBytes(StandardCharsets.UTF_8);
        int context = rank.tokensPerSample();
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        text.writeBytes(start);
        Philox random = new Philox(options.seed(), Philox.GENERATE);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment input = arena.allocate(4L * context, 64);
            MemorySegment target = arena.allocate(4L * context, 64);
            for (int i = 0; i < options.tokens(); i++) {
                byte[] all = text.toByteArray();
                int used = Math.min(all.length, context);
                for (int t = 0; t < used; t++) {
                    int token = all[all.length - used + t] & 0xff;
                    input.setAtIndex(ValueLayout.JAVA_INT, t, token);
                    target.setAtIndex(ValueLayout.JAVA_INT, t, Kernels.IGNORED_TARGET);
                }
                Batch batch = new Batch(0, 1, tokens(input, used), tokens(target, used));
                float[] logits = new float[BYTES];
                rank.logits(batch, used - 1, logits);
                text.write(draw(logits, options.temperature(), random, i));
            }
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    private static Field tokens(MemorySegment data, int count) {
        return new Field(Field.Type.INT32, List.of(count), data.asSlice(0, 4L * count));
    }

    private static int draw(float[] logits, double temperature, Philox random, long index) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        if (temperature == 0) {
            return best;
        }
        double[] weights = new double[logits.length];
        double total = 0;
        for (int i = 0; i < logits.length; i++) {
            weights[i] = StrictMath.exp((logits[i] - logits[best]) / temperature);
            total += weights[i];
        }
        int[] bits = new int[4];
        random.draw(0, index, bits);
        double left = Philox.unit(bits[0]) * total;
        for (int i = 0; i < weights.length; i++) {
            left -= weights[i];
            if (left < 0) {
                return i;
            }
        }
        return best;
    }
}
