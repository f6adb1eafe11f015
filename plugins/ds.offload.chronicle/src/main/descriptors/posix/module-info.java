open module net.openhft.posix {
    requires jdk.unsupported;
    requires transitive org.slf4j;

    exports net.openhft.posix;
}
