package ds.model.nn;

import ds.model.Field;
import ds.model.Init;
import ds.model.Parameter;

/** Turns token ids into rows of a table; parameter {@code table} [vocabulary, width]. */
public final class Embedding extends Part {
    private static final Init INIT = new Init.Normal(0.02f);

    private final Parameter table;

    /** Creates a table that starts normal with deviation 0.02. */
    public Embedding(String name, int vocabulary, int width) {
        super(name);
        this.table =
                parameter(Parameter.of(path("table"), INIT, vocabulary, width).tagged("embedding"));
    }

    /** Returns the table, for an output layer to share. */
    public Parameter table() {
        return table;
    }

    /** Records the look-up: [samples, tokens, width]. */
    public Tensor apply(Tape tape, Field ids) {
        return tape.embedding(ids, table);
    }
}
