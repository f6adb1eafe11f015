package ds.config;

import java.util.Optional;

/**
 * A value of a configuration and where it came from.
 *
 * @param path dotted path of the key under its own name
 * @param value the JSON value; empty where the key has none
 * @param origin where it came from
 * @param from the spelling or old key it was written as, or what it was derived from; {@code ""}
 *     where the origin says all
 * @param line line in the text, counted from 1; 0 if it was not written or there is no text
 * @param column column in the line, counted from 1; 0 as for the line
 */
public record ResolvedValue(
        String path, Optional<Object> value, Origin origin, String from, int line, int column) {

    /** Where a value came from. */
    public enum Origin {
        /** Written in the document. */
        FILE,
        /** Written in the document under another spelling of the key. */
        ALIAS,
        /** Written in the document as an old key, which this one replaces. */
        OLD,
        /** Written as {@code "auto"}: the planner decides; the value stands until then. */
        AUTO,
        /** Follows from other values, such as a batch size from the two others. */
        DERIVED,
        /** Not written; the default. */
        DEFAULT
    }

    /** Returns whether it is the default, which the document does not mention. */
    public boolean isDefault() {
        return origin == Origin.DEFAULT;
    }

    /** Returns the value as JSON on one line; {@code null} if there is none. */
    public String json() {
        return JsonText.of(value.orElse(null)).replaceAll("\\n *", " ");
    }

    /** Returns where the value came from, in words. */
    public String words() {
        String place = line == 0 ? "given" : "line " + line;
        return switch (origin) {
            case FILE -> place;
            case ALIAS -> place + ", as " + from;
            case OLD -> place + ", from the old " + from;
            case AUTO -> place + ", auto: left to the planner";
            case DERIVED -> "derived from " + from;
            case DEFAULT -> "default";
        };
    }
}
