package ds.foreign;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The only class that makes restricted calls: it binds C functions, reads {@code errno} and gives
 * foreign addresses a size and an owner.
 */
@SuppressWarnings("restricted") // the launcher passes --enable-native-access=ds.foreign for this
public final class Downcalls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final long TEXT_BYTES_MAX = 4096;

    private Downcalls() {}

    /** Returns why this module may not call C in this process, or empty if it may. */
    public static Optional<String> denied() {
        Module module = Downcalls.class.getModule();
        if (module.isNativeAccessEnabled()) {
            return Optional.empty();
        }
        return Optional.of(
                "native access is off; start Java with --enable-native-access=%s"
                        .formatted(module.isNamed() ? module.getName() : "ALL-UNNAMED"));
    }

    /**
     * Binds a function of the C library.
     *
     * @throws NativeException if this system's C library has no such function
     */
    public static MethodHandle bind(String function, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(find(function), descriptor);
    }

    /**
     * Binds a function of the C library that reports by {@code errno}; the handle takes the memory
     * of {@link #errnoState} first.
     */
    public static MethodHandle bindWithErrno(String function, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                find(function), descriptor, Linker.Option.captureCallState("errno"));
    }

    /**
     * Binds a function of the C library with a variable number of arguments that reports by {@code
     * errno}; the handle takes the memory of {@link #errnoState} first.
     *
     * @param firstVariadic the index of the first argument that the prototype does not name
     */
    public static MethodHandle bindVariadicWithErrno(
            String function, FunctionDescriptor descriptor, int firstVariadic) {
        return LINKER.downcallHandle(
                find(function),
                descriptor,
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(firstVariadic));
    }

    /**
     * Binds a function of another library.
     *
     * @throws NativeException if it has no such function
     */
    public static MethodHandle bind(
            SymbolLookup library, String function, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(find(library, function), descriptor);
    }

    /** Returns a library that stays loaded, or empty if this system has none of that name. */
    public static Optional<SymbolLookup> library(String name) {
        try {
            return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static MemorySegment find(String function) {
        return find(LINKER.defaultLookup(), function);
    }

    private static MemorySegment find(SymbolLookup library, String function) {
        return library.find(function)
                .orElseThrow(
                        () ->
                                new NativeException(
                                        "This system's C library has no function %s."
                                                .formatted(function)));
    }

    /** Allocates the memory in which a call leaves its {@code errno}. */
    public static MemorySegment errnoState(Arena arena) {
        return arena.allocate(STATE);
    }

    /** Returns the {@code errno} that the last call left in {@code state}. */
    public static int errno(MemorySegment state) {
        return (int) ERRNO.get(state, 0L);
    }

    /** Returns a C string. */
    public static String text(MemorySegment address) {
        return address.reinterpret(TEXT_BYTES_MAX).getString(0);
    }

    /** Returns {@code address} as memory of {@code arena} that {@code release} frees at its end. */
    public static MemorySegment owned(
            MemorySegment address, long sizeBytes, Arena arena, Consumer<MemorySegment> release) {
        return address.reinterpret(sizeBytes, arena, release);
    }

    /** Returns the error for a call that failed on our side: a wrong descriptor, not an event. */
    public static AssertionError broken(String function, Throwable cause) {
        return new AssertionError(
                "The binding of %s does not fit its call.".formatted(function), cause);
    }
}
