package ds.foreign;

import java.util.Optional;

/** Whether this is the system whose constants and layouts are written here. */
public final class Linux {
    private Linux() {}

    /** Returns why Linux's own calls cannot be made in this process, or empty if they can. */
    public static Optional<String> unavailable() {
        return unavailable(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    /** Says why not on a system of that name and architecture. */
    static Optional<String> unavailable(String system, String architecture) {
        if (!system.equals("Linux") || !architecture.equals("amd64")) {
            return Optional.of(
                    "it needs Linux on x86-64, this is %s on %s".formatted(system, architecture));
        }
        return Downcalls.denied();
    }
}
