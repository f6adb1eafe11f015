open module chronicle.bytes {
    requires java.management;
    requires jdk.unsupported;
    requires net.openhft.posix;
    requires transitive chronicle.core;

    exports net.openhft.chronicle.bytes;
    exports net.openhft.chronicle.bytes.algo;
    exports net.openhft.chronicle.bytes.domestic;
    exports net.openhft.chronicle.bytes.pool;
    exports net.openhft.chronicle.bytes.ref;
    exports net.openhft.chronicle.bytes.render;
    exports net.openhft.chronicle.bytes.util;
}
