package ds.core;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Finds the names a person probably meant. */
public final class Spelling {
    private static final int LONGEST_COMPARED = 120;

    private Spelling() {}

    /**
     * Returns the known names close to {@code typed}, closest first, at most {@code limit}.
     *
     * <p>Close is, in any case and with {@code -} for {@code _}: an edit distance (with swaps) of
     * at most a third of the length and two, three in long names; one name being the beginning of
     * the other; or the words of {@code typed} standing in the name in their order, others between.
     *
     * @param typed what was written
     * @param known the names that exist
     * @param limit most names returned, 1 or more
     */
    public static List<String> nearest(String typed, Collection<String> known, int limit) {
        record Scored(String name, int distance) {}
        String wanted = normal(typed);
        if (wanted.isEmpty() || wanted.length() > LONGEST_COMPARED) {
            return List.of();
        }
        return known.stream()
                .distinct()
                .filter(name -> name.length() <= LONGEST_COMPARED)
                .map(name -> new Scored(name, distance(wanted, normal(name))))
                .filter(s -> s.distance <= most(wanted.length(), s.name.length()))
                .sorted(Comparator.comparingInt(Scored::distance).thenComparing(Scored::name))
                .limit(limit)
                .map(Scored::name)
                .toList();
    }

    private static int most(int length, int other) {
        int shorter = Math.min(length, other);
        return Math.max(1, Math.min(shorter / 3, 2 + shorter / 12));
    }

    private static String normal(String name) {
        return name.toLowerCase(Locale.ROOT).replace('-', '_').replace(' ', '_');
    }

    /** Optimal string alignment distance: insert, delete, replace, swap neighbours; parts count less. */
    private static int distance(String a, String b) {
        boolean begins = b.startsWith(a) || (a.startsWith(b) && a.length() - b.length() <= 3);
        if (begins && Math.min(a.length(), b.length()) >= 4) {
            return Math.min(Math.abs(a.length() - b.length()), 2);
        }
        if (hasWords(b, a)) {
            return 2;
        }
        if (Math.abs(a.length() - b.length()) > most(a.length(), b.length())) {
            return Integer.MAX_VALUE; // that many inserts alone are too many
        }
        int[] beforeLast = new int[b.length() + 1];
        int[] last = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            last[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replace = last[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replace, 1 + Math.min(last[j], row[j - 1]));
                if (i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1)) {
                    row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
                }
            }
            beforeLast = last;
            last = row;
        }
        return last[b.length()];
    }

    /** Returns whether the words of {@code typed}, two or more, begin words of {@code name} in order. */
    private static boolean hasWords(String name, String typed) {
        String[] wanted = typed.split("_");
        if (wanted.length < 2) {
            return false;
        }
        int found = 0;
        for (String word : name.split("_")) {
            found += found < wanted.length && word.startsWith(wanted[found]) ? 1 : 0;
        }
        return found == wanted.length;
    }
}
