package ds.kernels.host;

/**
 * Multiplies small tiles in the background until the virtual machine has compiled their loop, while
 * products run as scalar code. Vectors run a thousand times slower before, so a step that began with
 * them would wait for that; and the compiler counts a small tile as much as a large one.
 */
final class WarmUp {
    private static final int DEPTH = 24;
    private static final int ROWS = 2 * Lanes.TILE_ROWS;
    private static final int COLUMNS = 2 * Lanes.TILE_COLUMNS;

    /** Compiled code takes a tenth of this for a tile, and code that is not yet fifty times as long. */
    private static final long COMPILED_NANOS = 5_000;

    /** After this it is over, whatever was compiled. */
    private static final long LIMIT_NANOS = 5_000_000_000L;

    private static volatile boolean over;

    private WarmUp() {}

    /** Begins, and returns the thread, which ends by itself. */
    static Thread start() {
        return Thread.ofPlatform().name("kernels-warm-up").daemon().start(WarmUp::run);
    }

    /** Returns whether products may run by vectors. */
    static boolean over() {
        return over;
    }

    private static void run() {
        try {
            float[] strips = new float[ROWS * DEPTH];
            float[] panels = new float[COLUMNS * DEPTH];
            float[] product = new float[ROWS * COLUMNS];
            long begin = System.nanoTime();
            long last = begin;
            boolean add = false;
            boolean compiled = false;
            while (!compiled && last - begin < LIMIT_NANOS) {
                add = !add;
                VectorProducts.multiplyTiles(
                        strips,
                        0,
                        ROWS,
                        panels,
                        0,
                        Lanes.TILE_COLUMNS * DEPTH,
                        COLUMNS,
                        DEPTH,
                        product,
                        0,
                        COLUMNS,
                        add ? product : null,
                        0,
                        COLUMNS);
                long now = System.nanoTime();
                compiled = now - last < COMPILED_NANOS;
                last = now;
            }
        } finally {
            over = true;
        }
    }
}
