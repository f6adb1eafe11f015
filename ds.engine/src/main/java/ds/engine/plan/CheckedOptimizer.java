package ds.engine.plan;

import ds.core.ProviderCall;
import ds.optim.spi.Hyper;
import ds.optim.spi.Optimizer;
import ds.optim.spi.ParameterSpec;
import ds.optim.spi.StateSlot;
import ds.optim.spi.StepContext;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * An optimizer whose author may have erred anywhere: the user is told whose it is, and where.
 * Immutable but for what it remembers; used by all ranks at once.
 */
final class CheckedOptimizer implements Optimizer {
    private final ProviderCall call;
    private final Optimizer inner;
    private final Map<Kind, Kind> kinds = new ConcurrentHashMap<>();

    /**
     * Looks at the slots.
     *
     * @throws ds.core.ProviderException if two slots share a name, or they cannot be had
     */
    CheckedOptimizer(ProviderCall call, Optimizer inner) {
        this.call = call;
        this.inner = inner;
        Set<String> names = new HashSet<>();
        for (StateSlot slot : slots()) {
            if (!names.add(slot.name())) {
                throw call.wrong("has two slots named '%s'".formatted(slot.name()));
            }
        }
        base();
    }

    @Override
    public Hyper base() {
        return call.of("base()", inner::base);
    }

    @Override
    public Hyper base(ParameterSpec parameter) {
        return call.of("base('%s')".formatted(parameter.name()), () -> inner.base(parameter));
    }

    @Override
    public List<StateSlot> slots() {
        return call.of("slots()", inner::slots);
    }

    @Override
    public List<StateSlot> slots(ParameterSpec parameter) {
        return call.of("slots('%s')".formatted(parameter.name()), () -> inner.slots(parameter));
    }

    /** May throw what the optimizer says against a parameter. */
    @Override
    public Kind kind(ParameterSpec parameter) {
        Kind kind =
                call.mayRefuse(
                        "kind('%s')".formatted(parameter.name()), () -> inner.kind(parameter));
        return kinds.computeIfAbsent(kind, found -> GroupKinds.around(found, new Guard(call)));
    }

    private record Guard(ProviderCall call) implements GroupKinds.Around {
        @Override
        public void step(String method, StepContext context, Consumer<StepContext> step) {
            call.of(
                    "%s %,d".formatted(method, context.globalStep()),
                    () -> {
                        step.accept(context);
                        return context;
                    });
        }

        @Override
        public <T> T ask(String method, Supplier<T> asked) {
            return call.of(method, asked);
        }
    }

    @Override
    public String toString() {
        return inner.toString();
    }
}
