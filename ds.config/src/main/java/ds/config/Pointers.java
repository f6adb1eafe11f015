package ds.config;

import java.util.List;
import java.util.stream.Stream;

/** JSON pointers (RFC 6901) and the dotted paths people write. */
final class Pointers {
    private static final int SHOWN_CHARACTERS = 60;

    private Pointers() {}

    /** Returns the pointer of the member {@code name} of the object at {@code parent}. */
    static String child(String parent, String name) {
        return parent + "/" + name.replace("~", "~0").replace("/", "~1");
    }

    /** Returns the pointer of the enclosing value; {@code ""} for a member of the root. */
    static String parent(String pointer) {
        int slash = pointer.lastIndexOf('/');
        return slash < 0 ? "" : pointer.substring(0, slash);
    }

    /** Returns the last part of a pointer, unescaped. */
    static String last(String pointer) {
        return unescape(pointer.substring(pointer.lastIndexOf('/') + 1));
    }

    /** Returns the parts of a pointer that is not {@code ""}, unescaped. */
    static List<String> names(String pointer) {
        return Stream.of(pointer.substring(1).split("/", -1)).map(Pointers::unescape).toList();
    }

    /** Returns {@code a.b.c} for {@code /a/b/c}. */
    static String dotted(String pointer) {
        return pointer.isEmpty() ? "" : unescape(pointer.substring(1).replace('/', '.'));
    }

    /**
     * Returns the names along a JSON pointer of several parts, in which dots belong to names, or
     * along a path with dots or slashes between its names, with or without a slash in front.
     */
    static List<String> parts(String asked) {
        String path = asked.startsWith("/") ? asked.substring(1) : asked;
        boolean pointer = path.length() < asked.length() && path.contains("/");
        return Stream.of(path.split(pointer ? "/" : "[./]", -1)).map(Pointers::unescape).toList();
    }

    /** Returns a text as a message can show it: without control characters, cut to 60. */
    static String cut(String text) {
        String start =
                text.length() <= SHOWN_CHARACTERS ? text : text.substring(0, SHOWN_CHARACTERS);
        String line = start.replaceAll("\\p{Cntrl}", "?");
        return start.length() == text.length() ? line : line + "...";
    }

    private static String unescape(String part) {
        return part.replace("~1", "/").replace("~0", "~");
    }
}
