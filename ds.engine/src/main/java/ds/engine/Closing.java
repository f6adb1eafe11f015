package ds.engine;

import java.util.List;

/** Closes many things, each whatever happened to the others. */
final class Closing {
    private Closing() {}

    /**
     * Closes all in order.
     *
     * @throws RuntimeException the first failure, after all were tried; the others are suppressed
     */
    static void all(List<? extends AutoCloseable> parts) {
        Throwable first = null;
        for (AutoCloseable part : parts) {
            try {
                part.close();
            } catch (Exception | Error e) { // AutoCloseable declares Exception
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        switch (first) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new TrainingException("Closing failed: " + first, first);
        }
    }
}
