package ds.optim.builtin;

import ds.core.FlatBuffer;
import ds.optim.spi.ParameterSpec;
import java.util.List;
import java.util.function.ToLongFunction;

/** Cuts what a 1-bit optimizer keeps into named parts, in the order in which they are taken. */
final class OneBitMemory {
    private final FlatBuffer kept;
    private long at;

    OneBitMemory(FlatBuffer kept) {
        this.kept = kept;
    }

    FlatBuffer take(long elements) {
        FlatBuffer part = kept.slice(at, elements);
        at += elements;
        return part;
    }

    static long elements(ParameterSpec parameter) {
        return parameter.shape().stream().mapToLong(size -> size).reduce(1, Math::multiplyExact);
    }

    static long longest(List<ParameterSpec> parameters) {
        return parameters.stream().mapToLong(OneBitMemory::elements).max().orElse(0);
    }

    static long sum(List<ParameterSpec> parameters, ToLongFunction<Long> each) {
        return parameters.stream().mapToLong(p -> each.applyAsLong(elements(p))).sum();
    }
}
