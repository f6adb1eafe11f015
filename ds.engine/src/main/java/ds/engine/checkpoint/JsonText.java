package ds.engine.checkpoint;

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
        quote(name);
        out.append(':');
        comma = false;
        return this;
    }

    JsonText value(String text) {
        separate();
        quote(text);
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

    private void quote(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c == '\n') {
                out.append("\\n");
            } else if (c < ' ') {
                out.append("\\u00").append(Character.forDigit(c >> 4, 16));
                out.append(Character.forDigit(c & 15, 16));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    String text() {
        return out.toString();
    }
}
