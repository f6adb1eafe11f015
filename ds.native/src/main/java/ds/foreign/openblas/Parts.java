package ds.foreign.openblas;

/**
 * How the output of a product is cut: every part packs its rows of A and its columns of B for
 * itself, so that parts are as square as their number allows.
 *
 * @param rows of a part, but for the last ones
 * @param columns of a part, but for the last ones
 * @param across how many lie side by side
 * @param count of all
 */
record Parts(int rows, int columns, int across, int count) {
    /** Parts begin at multiples of it, so that only the last ones have a ragged edge. */
    static final int GRAIN = 16;

    /** Cuts m × n elements in {@code most} parts, or fewer if there are not as many grains. */
    static Parts of(int m, int n, int most) {
        int rows = 0;
        int columns = 0;
        for (int down = 1; down <= most; down++) {
            if (most % down == 0) {
                int high = share(m, down);
                int wide = share(n, most / down);
                if (rows == 0 || (long) high + wide <= (long) rows + columns) {
                    rows = high;
                    columns = wide;
                }
            }
        }
        int across = parts(n, columns);
        return new Parts(rows, columns, across, across * parts(m, rows));
    }

    private static int share(int length, int parts) {
        return parts(parts(length, parts), GRAIN) * GRAIN;
    }

    private static int parts(int length, int unit) {
        return (int) (((long) length + unit - 1) / unit);
    }

    /** Returns what part {@code index} of {@code product} is. */
    Product of(Product product, int index) {
        int row = index / across * rows;
        int column = index % across * columns;
        return product.part(
                row,
                Math.min(rows, product.m() - row),
                column,
                Math.min(columns, product.n() - column));
    }
}
