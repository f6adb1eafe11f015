package ds.benchmarks;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import ds.kernels.Kernels.Transpose;
import ds.kernels.KernelsProviders;
import ds.kernels.Workers;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Workers, memory and kernels, as the engine makes them for a rank, and the ceilings spread over the
 * same workers.
 */
record Rig(Workers workers, RankMemory memory, Kernels kernels) implements AutoCloseable {
    private static final int PARTS_PER_WORKER = 8;
    private static final long PIECE_ELEMENTS = 32_768;

    static Rig of(int workers) {
        Workers pool = new Workers("ds-bench", workers);
        ModuleLayer layer = ModuleLayer.boot();
        return new Rig(
                pool,
                new RankMemory(HostMemories.best(layer)),
                KernelsProviders.in(layer).require(KernelsProviders.HOST).create(pool));
    }

    /** Returns a buffer of small values of both signs. */
    FlatBuffer values(DType type, long lengthElements) {
        FlatBuffer buffer = memory.allocate(MemoryKind.ACTIVATIONS, type, lengthElements);
        for (long i = 0; i < lengthElements; i++) {
            buffer.set(i, (i % 97 - 48) / 64f);
        }
        return buffer;
    }

    /** Lets every implementation of the product in cache compete with {@code operations} of work. */
    void rivalProducts(Ceiling ceiling, double operations) {
        ceiling.measures(operations);
        AtomicReference<Float> sink = new AtomicReference<>(0f); // so that no loop is dead code
        int parts = PARTS_PER_WORKER * workers.count();
        for (Ceilings loops : Ceilings.all()) {
            long rounds = Math.max(1, Math.round(operations / parts / loops.operationsPerRound()));
            ceiling.add(
                    rounds * parts * loops.operationsPerRound(),
                    () -> workers.run(parts, (_, _) -> sink.setPlain(loops.products(rounds))));
        }
    }

    /** Lets our own square SGEMM compete with {@code operations} of work: a yardstick for products. */
    void rivalSgemm(Ceiling ceiling, double operations, int size) {
        long elements = (long) size * size;
        FlatBuffer a = values(DType.FP32, elements);
        FlatBuffer b = values(DType.FP32, elements);
        FlatBuffer c = values(DType.FP32, elements);
        ceiling.measures(operations);
        ceiling.add(
                2.0 * size * elements,
                () ->
                        kernels.gemm(
                                Transpose.NO,
                                Transpose.NO,
                                size,
                                size,
                                size,
                                a,
                                b,
                                Optional.empty(),
                                c,
                                false));
    }

    /** Lets every implementation of the copy compete with work that moves {@code bytes}. */
    void rivalCopies(Ceiling ceiling, double bytes, MemorySegment from, MemorySegment to) {
        ceiling.measures(bytes);
        long size = Math.min(from.byteSize(), to.byteSize());
        long piece = PIECE_ELEMENTS * Float.BYTES;
        for (Ceilings loops : Ceilings.all()) {
            ceiling.add(
                    2.0 * size,
                    () ->
                            workers.run(
                                    Math.toIntExact(Math.ceilDiv(size, piece)),
                                    (_, index) -> {
                                        long at = index * piece;
                                        long length = Math.min(piece, size - at);
                                        loops.copy(
                                                from.asSlice(at, length), to.asSlice(at, length));
                                    }));
        }
    }

    /** Lets every implementation of the streams compete with a step that moves the same. */
    void rivalStreams(Ceiling ceiling, Ceilings.Streams streams) {
        long elements = streams.elements();
        double bytes = (double) elements * streams.bytesPerElement();
        ceiling.measures(bytes);
        for (Ceilings loops : Ceilings.all()) {
            ceiling.add(
                    bytes,
                    () ->
                            workers.run(
                                    Math.toIntExact(Math.ceilDiv(elements, PIECE_ELEMENTS)),
                                    (_, index) -> {
                                        long at = index * PIECE_ELEMENTS;
                                        long length = Math.min(PIECE_ELEMENTS, elements - at);
                                        loops.streams(streams.slice(at, length));
                                    }));
        }
    }

    @Override
    public void close() {
        workers.close();
        memory.close();
    }
}
