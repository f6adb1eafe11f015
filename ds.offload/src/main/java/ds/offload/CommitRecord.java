package ds.offload;

/**
 * Where a run stands at a commit, beside the state itself. The same on every rank, but for {@code
 * application}.
 *
 * @param globalStep boundaries so far, skipped ones included
 * @param appliedSteps boundaries whose update was applied
 * @param microSteps micro-batches per rank so far
 * @param samplesSeen the data cursor
 * @param skippedInARow overflowed boundaries since the last applied one
 * @param seed the run's seed
 * @param scaler the loss scaler
 * @param application what the application keeps; at most {@value #APPLICATION_BYTES_MAX} bytes
 */
public record CommitRecord(
        long globalStep,
        long appliedSteps,
        long microSteps,
        long samplesSeen,
        int skippedInARow,
        long seed,
        Scaler scaler,
        Blob application) {
    /** The most bytes an application may keep in a commit. */
    public static final int APPLICATION_BYTES_MAX = 1 << 16;

    /**
     * The state of a loss scaler.
     *
     * @param scale the scale in force
     * @param hysteresis overflows left before the scale shrinks
     * @param iteration updates so far
     * @param lastOverflow the iteration of the last overflow; −1 before any
     * @param dynamic whether the scale follows the overflows
     */
    public record Scaler(
            double scale, int hysteresis, long iteration, long lastOverflow, boolean dynamic) {
        /** A scale of 1 that never changes. */
        public static final Scaler NONE = new Scaler(1, 1, 0, -1, false);
    }

    /** Bytes that never change. */
    public static final class Blob {
        /** No bytes. */
        public static final Blob EMPTY = new Blob(new byte[0]);

        private final byte[] bytes;

        private Blob(byte[] bytes) {
            this.bytes = bytes;
        }

        /**
         * Copies {@code bytes}.
         *
         * @throws IllegalArgumentException if there are more than {@value #APPLICATION_BYTES_MAX}
         */
        public static Blob of(byte[] bytes) {
            if (bytes.length > APPLICATION_BYTES_MAX) {
                throw new IllegalArgumentException(
                        "The application's state has %,d bytes; a commit holds at most %,d. Keep less, or keep it elsewhere and its name here."
                                .formatted(bytes.length, APPLICATION_BYTES_MAX));
            }
            return new Blob(bytes.clone());
        }

        /** Returns a copy. */
        public byte[] bytes() {
            return bytes.clone();
        }

        /** Returns how many there are. */
        public int sizeBytes() {
            return bytes.length;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Blob blob && java.util.Arrays.equals(bytes, blob.bytes);
        }

        @Override
        public int hashCode() {
            return java.util.Arrays.hashCode(bytes);
        }

        @Override
        public String toString() {
            return "%,d bytes".formatted(bytes.length);
        }
    }
}
