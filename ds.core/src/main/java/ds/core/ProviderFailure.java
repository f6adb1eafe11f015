package ds.core;

/**
 * What a provider's code threw, for a message.
 *
 * @param said what happened; a sentence
 * @param wayOut what helps; a sentence
 */
record ProviderFailure(String said, String wayOut) {
    /**
     * Returns what {@code thrown} says.
     *
     * @param otherwise what helps against a failure that is not known here
     */
    static ProviderFailure of(Throwable thrown, String otherwise) {
        if (thrown instanceof VirtualMachineError error && !(error instanceof StackOverflowError)) {
            throw error; // the machine's, not the provider's
        }
        if (thrown instanceof ExceptionInInitializerError && thrown.getCause() != null) {
            return of(thrown.getCause(), otherwise);
        }
        String wayOut = otherwise;
        if (thrown instanceof UnsupportedClassVersionError) {
            wayOut =
                    "Compile it with --release %d or lower, or run a newer Java."
                            .formatted(Runtime.version().feature());
        } else if (thrown instanceof NoClassDefFoundError
                && thrown.getCause() instanceof ClassNotFoundException) {
            wayOut = "Add the module or jar that holds this class. " + otherwise;
        }
        return new ProviderFailure(ProviderCall.sentence(whereIfSilent(thrown)), wayOut);
    }

    private static String whereIfSilent(Throwable thrown) {
        StackTraceElement[] frames = thrown.getStackTrace();
        return thrown.getMessage() != null || frames.length == 0
                ? thrown.toString()
                : "%s at %s".formatted(thrown, frames[0]);
    }

    @Override
    public String toString() {
        return said + " " + wayOut;
    }
}
