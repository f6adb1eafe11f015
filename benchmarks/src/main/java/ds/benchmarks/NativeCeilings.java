package ds.benchmarks;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** What the machine can do, said in C: {@code src/main/c/ceiling.c}. */
final class NativeCeilings implements Ceilings {
    private final double operationsPerRound;
    private final MethodHandle products;
    private final MethodHandle copy;
    private final MethodHandle[] streams = new MethodHandle[Streams.STATES_MOST + 1];
    private final MethodHandle[] halves = new MethodHandle[Streams.STATES_MOST + 1];

    /**
     * Loads the library, which stays loaded.
     *
     * @throws IllegalArgumentException if it cannot be loaded
     */
    @SuppressWarnings("restricted") // calling C is what this class is for
    NativeCeilings(Path library) {
        SymbolLookup symbols = SymbolLookup.libraryLookup(library, Arena.global());
        Linker linker = Linker.nativeLinker();
        MethodHandle operations =
                linker.downcallHandle(
                        symbols.findOrThrow("ds_operations_per_round"),
                        FunctionDescriptor.of(JAVA_LONG));
        products =
                linker.downcallHandle(
                        symbols.findOrThrow("ds_products"),
                        FunctionDescriptor.of(JAVA_FLOAT, JAVA_LONG));
        copy =
                linker.downcallHandle(
                        symbols.findOrThrow("ds_copy"),
                        FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG));
        for (int states = 0; states <= Streams.STATES_MOST; states++) {
            streams[states] =
                    linker.downcallHandle(
                            symbols.findOrThrow("ds_streams_" + states),
                            FunctionDescriptor.ofVoid(
                                    ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG));
            halves[states] =
                    linker.downcallHandle(
                            symbols.findOrThrow("ds_halves_" + states),
                            FunctionDescriptor.ofVoid(
                                    ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS,
                                    JAVA_LONG));
        }
        try {
            operationsPerRound = (long) operations.invokeExact();
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    @Override
    public double operationsPerRound() {
        return operationsPerRound;
    }

    @Override
    public float products(long rounds) {
        try {
            return (float) products.invokeExact(rounds);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    @Override
    public void copy(MemorySegment from, MemorySegment to) {
        try {
            copy.invokeExact(from, to, from.byteSize());
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    @Override
    public void streams(Streams s) {
        try {
            int states = s.states().size();
            MemorySegment p = s.weights();
            MemorySegment g = s.gradient();
            if (s.halves().isPresent()) {
                MemorySegment to = s.halves().get();
                halves[states].invokeExact(
                        p, g, s.state(0), s.state(1), s.state(2), to, s.elements());
            } else {
                streams[states].invokeExact(p, g, s.state(0), s.state(1), s.state(2), s.elements());
            }
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    private static AssertionError broken(Throwable t) {
        return new AssertionError("the descriptors of ceiling.c are wrong", t);
    }
}
