package ds.config;

import java.util.Arrays;

/** The lines of a text, which end at a line feed, a carriage return or both together. */
final class Lines {
    private final String text;
    private final int[] starts; // offset of each line's first character

    Lines(String text) {
        this.text = text;
        int[] found = new int[16];
        int count = 1;
        for (int at = 0; at < text.length(); at++) {
            if (endsLine(at)) {
                if (count == found.length) {
                    found = Arrays.copyOf(found, 2 * count);
                }
                found[count++] = at + 1;
            }
        }
        this.starts = Arrays.copyOf(found, count);
    }

    private boolean endsLine(int at) {
        char c = text.charAt(at);
        boolean half = c == '\r' && at + 1 < text.length() && text.charAt(at + 1) == '\n';
        return c == '\n' || (c == '\r' && !half);
    }

    /** Returns the place of the character at {@code offset}. */
    Place place(int offset) {
        int found = Arrays.binarySearch(starts, offset);
        int line = found >= 0 ? found : -found - 2;
        return new Place(line + 1, offset - starts[line] + 1);
    }

    /** Returns the offset of the character at {@code place}. */
    int offset(Place place) {
        return starts[place.line() - 1] + place.column() - 1;
    }

    /** Returns how many lines there are, at least 1. */
    int count() {
        return starts.length;
    }

    /** Returns a line without its end, or {@code ""} for a number that no line has. */
    String line(int number) {
        if (number < 1 || number > starts.length) {
            return "";
        }
        int end = number == starts.length ? text.length() : starts[number];
        while (end > starts[number - 1] && isEnd(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(starts[number - 1], end);
    }

    private static boolean isEnd(char c) {
        return c == '\n' || c == '\r';
    }
}
