package ds.offload.chronicle;

import ds.offload.StorageException;
import java.util.List;
import java.util.Optional;
import net.openhft.chronicle.core.OS;

/** What Chronicle Bytes needs of the Java runtime before it can map a file. */
public final class ChronicleAccess {
    private static final List<String> OPENED = List.of("java.lang.reflect", "sun.nio.ch");

    private ChronicleAccess() {}

    /** Returns why files cannot be mapped here: the system, or the options to add; empty if they can. */
    public static Optional<String> missing() {
        if (!System.getProperty("os.name", "").equals("Linux")) {
            return Optional.of("Chronicle's mapping is used on Linux only");
        }
        Module core = OS.class.getModule();
        for (String name : OPENED) {
            if (!Object.class.getModule().isOpen(name, core)) {
                return Optional.of(
                        "it needs the option --add-opens=java.base/%s=%s"
                                .formatted(name, core.isNamed() ? core.getName() : "ALL-UNNAMED"));
            }
        }
        return Optional.empty();
    }

    /**
     * Does nothing where files can be mapped.
     *
     * @throws StorageException naming the option that is missing
     */
    public static void require() {
        missing()
                .ifPresent(
                        why -> {
                            throw new StorageException(
                                    "Chronicle Bytes cannot map files here: %s.".formatted(why));
                        });
    }
}
