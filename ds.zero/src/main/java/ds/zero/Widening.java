package ds.zero;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import java.util.ArrayList;
import java.util.List;

/**
 * fp32 copies of arrays that rest in 16 bits, while a step works on them. Copies grow to the longest
 * chunk and stay. Owned by the rank's thread.
 */
final class Widening {
    private final Kernels kernels;
    private final RankMemory memory;
    private final List<FlatBuffer> copies = new ArrayList<>();

    Widening(Kernels kernels, RankMemory memory) {
        this.kernels = kernels;
        this.memory = memory;
    }

    /** Returns the array itself if it is fp32, else copy number {@code index} of it. */
    FlatBuffer wide(int index, FlatBuffer array) {
        if (array.type() == DType.FP32) {
            return array;
        }
        FlatBuffer copy = copy(index, array.lengthElements());
        kernels.convert(array, copy);
        return copy;
    }

    /** Returns copy number {@code index}, whatever it holds. */
    FlatBuffer copy(int index, long length) {
        while (copies.size() <= index) {
            copies.add(memory.allocate(MemoryKind.STAGING, DType.FP32, length));
        }
        if (copies.get(index).lengthElements() < length) {
            copies.set(index, memory.allocate(MemoryKind.STAGING, DType.FP32, length));
        }
        return copies.get(index).slice(0, length);
    }

    /** Rounds a copy back to where it came from; the array itself stays as it is. */
    void back(FlatBuffer wide, FlatBuffer array) {
        if (array.type() != DType.FP32) {
            kernels.convert(wide, array);
        }
    }
}
