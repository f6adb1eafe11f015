package ds.config;

/**
 * A value that the document gave, left to its default, or left to the planner by {@code "auto"}.
 *
 * @param value what to use unless the planner decides; the default if {@code "auto"} or absent
 * @param origin where it came from
 * @param <T> type of the value
 */
public record Tunable<T>(T value, Origin origin) {
    /** Where a value came from. */
    public enum Origin {
        /** Written in the document. */
        GIVEN,
        /** Not written; the default. */
        DEFAULT,
        /** Written as {@code "auto"}: the planner decides. */
        AUTO
    }

    /** Returns a value written in the document. */
    public static <T> Tunable<T> given(T value) {
        return new Tunable<>(value, Origin.GIVEN);
    }

    /** Returns whether the planner is to decide. */
    public boolean isAuto() {
        return origin == Origin.AUTO;
    }

    /** Returns {@code planned} if this is {@code "auto"}, else the value. */
    public T orPlanned(T planned) {
        return isAuto() ? planned : value;
    }
}
