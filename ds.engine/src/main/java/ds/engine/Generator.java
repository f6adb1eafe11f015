package ds.engine;

import ds.kernels.Kernels;
import ds.kernels.Philox;
import ds.model.Batch;
import ds.model.Continuation;
import ds.model.Field;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Draws bytes from a byte-level language model. Every rank draws the same bytes, since all see the
 * same logits and the same random numbers.
 *
 * <p>The model sees a window of the text: all of it, until the context is full. Then the window moves
 * on by a quarter of the context. Positions count from the window's start, so what was computed
 * before is of no use then, and the model runs over the new window once.
 */
final class Generator {
    private static final int BYTES = 256;

    /** Parts of the context, of which the window leaves one behind when it is full. */
    private static final int PARTS = 4;

    private final Rank rank;
    private final int context;
    private final byte[] text;
    private final MemorySegment input;
    private final MemorySegment target;
    private final float[] logits = new float[BYTES];
    private int length;
    private int start;
    private int passes;

    private Generator(Rank rank, byte[] prompt, int tokens, Arena arena) {
        this.rank = rank;
        this.context = rank.tokensPerSample();
        this.text = Arrays.copyOf(prompt, Math.addExact(prompt.length, tokens));
        this.length = prompt.length;
        this.start = Math.max(0, length - context);
        this.input = arena.allocate(4L * context, 64);
        this.target = arena.allocate(4L * context, 64);
        for (int t = 0; t < context; t++) {
            target.setAtIndex(ValueLayout.JAVA_INT, t, Kernels.IGNORED_TARGET);
        }
    }

    static Generation generate(Rank rank, String prompt, GenerateOptions options) {
        byte[] given =
                prompt.isEmpty() ? new byte[] {'\n'} : prompt.getBytes(StandardCharsets.UTF_8);
        long began = System.nanoTime();
        try (Arena arena = Arena.ofShared()) {
            Generator generator = new Generator(rank, given, options.tokens(), arena);
            boolean cached = generator.run(options);
            return new Generation(
                    new String(generator.text, StandardCharsets.UTF_8),
                    given.length,
                    options.tokens(),
                    cached,
                    generator.passes,
                    System.nanoTime() - began);
        }
    }

    /** Fills the text; returns whether keys and values were kept. */
    private boolean run(GenerateOptions options) {
        Philox random = new Philox(options.seed(), Philox.GENERATE);
        Optional<Continuation> kept =
                options.cache() && options.tokens() > 1
                        ? rank.continuation(context, tokens(start, length))
                        : Optional.empty();
        try {
            for (int i = 0; length < text.length; i++) {
                next(kept);
                text[length++] = (byte) draw(logits, options.temperature(), random, i);
            }
        } finally {
            kept.ifPresent(Continuation::close);
        }
        return kept.isPresent();
    }

    /** Computes the logits after the text so far. */
    private void next(Optional<Continuation> kept) {
        boolean moved = length - start > context;
        if (moved) {
            start = length - context + Math.max(1, context / PARTS) - 1;
        }
        if (kept.isEmpty()) {
            passes++;
            rank.logits(tokens(start, length), length - start - 1L, logits);
            return;
        }
        Continuation sequence = kept.get();
        if (moved) {
            sequence.restart();
        }
        if (sequence.tokens() == 0) {
            passes++;
        }
        int from = start + sequence.tokens();
        rank.logits(sequence, tokens(from, length), length - from - 1L, logits);
    }

    /** Returns the text from {@code from} to {@code end} as one sample. */
    private Batch tokens(int from, int end) {
        for (int t = from; t < end; t++) {
            input.setAtIndex(ValueLayout.JAVA_INT, t - from, text[t] & 0xff);
        }
        return new Batch(0, 1, field(input, end - from), field(target, end - from));
    }

    private static Field field(MemorySegment data, int count) {
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
