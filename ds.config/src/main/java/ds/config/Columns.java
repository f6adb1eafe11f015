package ds.config;

/**
 * How many columns of a terminal a text takes: East Asian wide characters and emoji two, marks that
 * combine with the character before them none, a tab {@value #TAB}.
 */
final class Columns {
    /** Columns that stand for a tab, whatever the terminal's stops are. */
    private static final int TAB = 4;

    /** Ranges, both ends included, of East_Asian_Width W and F; emoji are asked for separately. */
    private static final int[] WIDE = {
        0x1100, 0x115f, 0x2329, 0x232a, 0x2e80, 0x303e, 0x3041, 0x3247, 0x3250, 0x4dbf, 0x4e00,
        0xa4cf, 0xa960, 0xa97f, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe10, 0xfe19, 0xfe30, 0xfe6f,
        0xff01, 0xff60, 0xffe0, 0xffe6, 0x16fe0, 0x18cff, 0x1aff0, 0x1b2ff, 0x1f200, 0x1f2ff,
        0x20000, 0x3fffd
    };

    /** Vowels and final consonants of Hangul, which are drawn into the syllable before them. */
    private static final int HANGUL_INNER_FIRST = 0x1160;

    private static final int HANGUL_INNER_LAST = 0x11ff;

    private Columns() {}

    /** Returns the columns of the characters from {@code start} to before {@code end}. */
    static int of(String text, int start, int end) {
        int columns = 0;
        for (int at = start; at < end; at += Character.charCount(text.codePointAt(at))) {
            columns += of(text.codePointAt(at));
        }
        return columns;
    }

    /** Returns where a text ends that starts at {@code start} and takes at most {@code columns}. */
    static int forward(String text, int start, int columns) {
        int at = start;
        int left = columns;
        while (at < text.length()) {
            int c = text.codePointAt(at);
            left -= of(c);
            if (left < 0) {
                return at;
            }
            at += Character.charCount(c);
        }
        return at;
    }

    /** Returns where a text starts that ends at {@code end} and takes at most {@code columns}. */
    static int back(String text, int end, int columns) {
        int at = end;
        int left = columns;
        while (at > 0) {
            int c = text.codePointBefore(at);
            left -= of(c);
            if (left < 0) {
                return at;
            }
            at -= Character.charCount(c);
        }
        return at;
    }

    /** Returns a text with spaces for tabs. */
    static String expanded(String text) {
        return text.replace("\t", " ".repeat(TAB));
    }

    private static int of(int c) {
        if (c == '\t') {
            return TAB;
        }
        int type = Character.getType(c);
        boolean combining =
                type == Character.NON_SPACING_MARK
                        || type == Character.ENCLOSING_MARK
                        || (c >= HANGUL_INNER_FIRST && c <= HANGUL_INNER_LAST);
        return combining ? 0 : isWide(c) ? 2 : 1;
    }

    private static boolean isWide(int c) {
        for (int range = 0; range < WIDE.length && c >= WIDE[range]; range += 2) {
            if (c <= WIDE[range + 1]) {
                return true;
            }
        }
        return Character.isEmojiPresentation(c);
    }
}
