package ds.cli;

import java.lang.module.ModuleDescriptor;
import java.util.Optional;

/** What runs here. */
final class Versions {
    private Versions() {}

    /** Returns the version that the build stamped on the module, or {@code development}. */
    static String own() {
        return Optional.ofNullable(Main.class.getModule().getDescriptor())
                .flatMap(ModuleDescriptor::rawVersion)
                .orElseGet(
                        () ->
                                Optional.ofNullable(
                                                Main.class.getPackage().getImplementationVersion())
                                        .orElse("development"));
    }

    /** Returns the Java virtual machine in words. */
    static String java() {
        return "%s %s"
                .formatted(
                        System.getProperty(
                                "java.vendor.version", System.getProperty("java.vendor")),
                        System.getProperty("java.runtime.version"));
    }

    /** Returns the operating system in words. */
    static String system() {
        return "%s %s, %s"
                .formatted(
                        System.getProperty("os.name"),
                        System.getProperty("os.version"),
                        System.getProperty("os.arch"));
    }
}
