package ds.it;

import ds.engine.data.TextDataset;
import java.nio.charset.StandardCharsets;

/** A small text to train on. */
final class Rhyme {
    static final int CONTEXT = 16;
    static final TextDataset TEXT =
            TextDataset.of(
                    "rhyme",
                    "The quick brown fox jumps over the lazy dog, and again. "
                            .repeat(40)
                            .getBytes(StandardCharsets.UTF_8),
                    CONTEXT);

    private Rhyme() {}
}
