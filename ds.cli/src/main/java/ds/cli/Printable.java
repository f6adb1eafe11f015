package ds.cli;

/** Text of a model, made safe for a terminal: no control characters but line feeds and tabs. */
final class Printable {
    private Printable() {}

    static String of(String text) {
        StringBuilder safe = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean kept = c == '\n' || c == '\t' || !Character.isISOControl(c);
            safe.append(kept ? c : '\uFFFD');
        }
        return safe.toString();
    }
}
