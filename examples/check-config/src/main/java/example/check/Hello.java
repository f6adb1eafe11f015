package example.check;

/** Does nothing: what starting costs before any checking. */
public final class Hello {
    private Hello() {}

    /** Says hello. */
    public static void main(String[] arguments) {
        System.out.println("hello");
    }
}
