package ds.engine.checkpoint;

import ds.core.JsonQuotes;

/** Writes JSON, compact, in the order of the calls. */
final class JsonText {
    private final StringBuilder out = new StringBuilder();
    private boolean comma;

    JsonText open(char bracket) {
        separate();
        out.append(bracket);
        comma = false;
        return this;
    }

    JsonText close(char bracket) {
        out.append(bracket);
        comma = true;
        return this;
    }

    JsonText key(String name) {
        separate();
        JsonQuotes.append(out, name);
        out.append(':');
        comma = false;
        return this;
    }

    JsonText value(String text) {
        separate();
        JsonQuotes.append(out, text);
        comma = true;
        return this;
    }

    JsonText value(long number) {
        separate();
        out.append(number);
        comma = true;
        return this;
    }

    JsonText value(boolean flag) {
        separate();
        out.append(flag);
        comma = true;
        return this;
    }

    /** Starts a new line, for readers of the file. */
    JsonText line() {
        if (comma) {
            out.append(',');
            comma = false;
        }
        out.append('\n');
        return this;
    }

    private void separate() {
        if (comma) {
            out.append(',');
        }
    }

    String text() {
        return out.toString();
    }
}
