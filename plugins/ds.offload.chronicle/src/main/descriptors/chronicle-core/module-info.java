open module chronicle.core {
    requires java.logging;
    requires java.management;
    requires java.naming;
    requires static java.desktop;
    requires jdk.unsupported;
    requires net.openhft.posix;
    requires transitive org.slf4j;

    exports net.openhft.chronicle.core;
    exports net.openhft.chronicle.core.aegis;
    exports net.openhft.chronicle.core.analytics;
    exports net.openhft.chronicle.core.annotation;
    exports net.openhft.chronicle.core.announcer;
    exports net.openhft.chronicle.core.cleaner;
    exports net.openhft.chronicle.core.cleaner.spi;
    exports net.openhft.chronicle.core.cooler;
    exports net.openhft.chronicle.core.domestic;
    exports net.openhft.chronicle.core.io;
    exports net.openhft.chronicle.core.onoes;
    exports net.openhft.chronicle.core.pom;
    exports net.openhft.chronicle.core.pool;
    exports net.openhft.chronicle.core.scoped;
    exports net.openhft.chronicle.core.shutdown;
    exports net.openhft.chronicle.core.threads;
    exports net.openhft.chronicle.core.time;
    exports net.openhft.chronicle.core.util;
    exports net.openhft.chronicle.core.values;

    uses net.openhft.chronicle.core.ChronicleInitRunnable;
    uses net.openhft.chronicle.core.cleaner.spi.ByteBufferCleanerService;

    provides net.openhft.chronicle.core.cleaner.spi.ByteBufferCleanerService with
            net.openhft.chronicle.core.internal.cleaner.Jdk9ByteBufferCleanerService,
            net.openhft.chronicle.core.internal.cleaner.ReflectionBasedByteBufferCleanerService;
}
