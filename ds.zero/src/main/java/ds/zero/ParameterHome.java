package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Where a rank's own part of sharded parameters rests: in memory, or in a store. */
final class ParameterHome {
    private final OwnedSpace held;
    private final DType precision;
    private final Optional<FlatBuffer> memory;
    private final Optional<StateStore> store;
    private final long[] wordsOfRun;

    private ParameterHome(
            OwnedSpace held,
            DType precision,
            Optional<FlatBuffer> memory,
            Optional<StateStore> store) {
        this.held = held;
        this.precision = precision;
        this.memory = memory;
        this.store = store;
        this.wordsOfRun = new long[held.runs().size()];
        long words = 0;
        for (int i = 0; i < wordsOfRun.length; i++) {
            wordsOfRun[i] = words;
            words += words(held.runs().get(i).length(), precision);
        }
    }

    static ParameterHome inMemory(OwnedSpace held, DType precision, RankMemory memory) {
        return new ParameterHome(
                held,
                precision,
                Optional.of(memory.allocate(MemoryKind.PARAMETERS, precision, held.elements())),
                Optional.empty());
    }

    static ParameterHome inStore(OwnedSpace held, DType precision, StateStore store) {
        return new ParameterHome(held, precision, Optional.empty(), Optional.of(store));
    }

    /** Returns the layout of a store for {@code held}: raw bytes, seen as 32-bit words. */
    static StateLayout layout(OwnedSpace held, DType precision) {
        List<Long> lengths = new ArrayList<>();
        held.runs().forEach(run -> lengths.add(words(run.length(), precision)));
        return new StateLayout(List.of("parameter"), lengths);
    }

    private static long words(long elements, DType precision) {
        return PartitionMap.padded(precision.bytesOf(elements) / DType.FP32.sizeBytes());
    }

    Optional<FlatBuffer> memory() {
        return memory;
    }

    void write(long first, FlatBuffer values) {
        if (memory.isPresent()) {
            memory.get().slice(first, values.lengthElements()).copyFrom(values);
        } else {
            store.orElseThrow().write(0, wordAt(first), asWords(values));
        }
    }

    /** Reads elements of any number of runs. */
    void read(long first, FlatBuffer into) {
        if (memory.isPresent()) {
            into.copyFrom(memory.get().slice(first, into.lengthElements()));
            return;
        }
        long done = 0;
        while (done < into.lengthElements()) {
            OwnedSpace.Run run = held.runAt(first + done);
            long count = Math.min(run.end() - first - done, into.lengthElements() - done);
            store.orElseThrow().read(0, wordAt(first + done), asWords(into.slice(done, count)));
            done += count;
        }
    }

    private long wordAt(long offset) {
        int index = held.indexAt(offset);
        long within = offset - held.runs().get(index).offset();
        return wordsOfRun[index] + precision.bytesOf(within) / DType.FP32.sizeBytes();
    }

    private static FlatBuffer asWords(FlatBuffer values) {
        return FlatBuffer.of(values.segment(), DType.FP32);
    }

    long storedBytes() {
        return store.map(StateStore::storedBytes).orElse(0L);
    }
}
