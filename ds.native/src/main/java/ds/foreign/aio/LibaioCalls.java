package ds.foreign.aio;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ds.foreign.Downcalls;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** The calls through {@code libaio.so.1}, whose prototypes {@link AioCalls} quotes. */
final class LibaioCalls implements AioCalls {
    private static final Optional<SymbolLookup> LIBRARY = Downcalls.library("libaio.so.1");

    /** Bound when the first is made, which {@link #installed} comes before. */
    private static final class Handles {
        static final MethodHandle SETUP =
                bind("io_setup", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
        static final MethodHandle DESTROY =
                bind("io_destroy", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
        static final MethodHandle SUBMIT =
                bind("io_submit", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS));
        static final MethodHandle GET_EVENTS =
                bind(
                        "io_getevents",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS));

        private Handles() {}

        private static MethodHandle bind(String function, FunctionDescriptor descriptor) {
            return Downcalls.bind(LIBRARY.orElseThrow(), function, descriptor);
        }
    }

    /** Returns whether the library is installed. */
    static boolean installed() {
        return LIBRARY.isPresent();
    }

    @Override
    public int setup(int requests, MemorySegment contextPointer) {
        try {
            return (int) Handles.SETUP.invokeExact(requests, contextPointer);
        } catch (Throwable t) {
            throw Downcalls.broken("io_setup", t);
        }
    }

    @Override
    public int destroy(long context) {
        try {
            return (int) Handles.DESTROY.invokeExact(context);
        } catch (Throwable t) {
            throw Downcalls.broken("io_destroy", t);
        }
    }

    @Override
    public int submit(long context, long count, MemorySegment pointers) {
        try {
            return (int) Handles.SUBMIT.invokeExact(context, count, pointers);
        } catch (Throwable t) {
            throw Downcalls.broken("io_submit", t);
        }
    }

    @Override
    public int getEvents(
            long context, long least, long most, MemorySegment events, MemorySegment timeout) {
        try {
            return (int) Handles.GET_EVENTS.invokeExact(context, least, most, events, timeout);
        } catch (Throwable t) {
            throw Downcalls.broken("io_getevents", t);
        }
    }
}
