package ds.model;

import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.HostMemories;
import ds.core.MemoryKind;
import ds.core.RankMemory;
import ds.kernels.Kernels;
import ds.kernels.KernelsProviders;
import ds.kernels.Philox;
import ds.kernels.Workers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;

/** One rank without ZeRO: parameters, gradient accumulators, and a log of what the model asked for. */
public final class SoloContext implements BackwardContext, AutoCloseable {
    /** What the model did: {@code acquire X}, {@code close X}, {@code complete X}. */
    public final List<String> log = new ArrayList<>();

    private final ModelLayout layout;
    private final DType type;
    private final RankMemory memory = new RankMemory(HostMemories.portable());
    private final Workers workers = new Workers("solo", 1);
    private final Kernels kernels =
            KernelsProviders.in(ModuleLayer.boot()).require(KernelsProviders.HOST).create(workers);
    private final Workspace workspace = new Workspace(memory);
    private final Map<Class<?>, Object> kept = new HashMap<>();
    private final Map<String, FlatBuffer> masters = new LinkedHashMap<>();
    private final Map<String, FlatBuffer> working = new HashMap<>();
    private final Map<String, FlatBuffer> micro = new HashMap<>(); // this micro-batch; fp32 if tied
    private final Map<String, FlatBuffer> sums = new HashMap<>(); // over micro-batches, fp32
    private final Map<String, FlatBuffer> rounding =
            new HashMap<>(); // a contribution as handed over
    private final Map<String, Boolean> written = new HashMap<>();
    private Mode mode = Mode.TRAIN;
    private Optional<DType> products = Optional.empty();
    private final Set<String> unwanted = new HashSet<>();

    public SoloContext(TrainableModel model, DType type, long seed) {
        this.layout = model.layout();
        this.type = type;
        Random random = new Random(seed);
        for (Parameter parameter : layout.storages()) {
            long elements = parameter.elements();
            FlatBuffer master = memory.allocate(MemoryKind.MASTERS, DType.FP32, elements);
            for (long i = 0; i < elements; i++) {
                master.set(
                        i,
                        switch (parameter.init()) {
                            case Init.Constant(float value) -> value;
                            case Init.Normal(float deviation) ->
                                    (float) (random.nextGaussian() * deviation);
                            case Init.Uniform(float bound) -> bound * (2 * random.nextFloat() - 1);
                        });
            }
            masters.put(parameter.name(), master);
            working.put(parameter.name(), memory.allocate(MemoryKind.PARAMETERS, type, elements));
            if (parameter.trainable()) {
                micro.put(
                        parameter.name(),
                        memory.allocate(
                                MemoryKind.BUCKETS,
                                parameter.tieKey().isEmpty() ? type : DType.FP32,
                                elements));
                rounding.put(parameter.name(), memory.allocate(MemoryKind.BUCKETS, type, elements));
                sums.put(
                        parameter.name(),
                        memory.allocate(MemoryKind.GRADIENTS, DType.FP32, elements));
            }
        }
        publish();
    }

    /** Copies the masters to the working parameters. */
    public void publish() {
        masters.forEach((name, master) -> kernels.convert(master, working.get(name)));
    }

    /** Sets all gradient sums to zero. */
    public void clearGradients() {
        sums.values().forEach(FlatBuffer::zero);
        log.clear();
    }

    public FlatBuffer master(String name) {
        return masters.get(name);
    }

    public Map<String, FlatBuffer> masters() {
        return masters;
    }

    /** Returns the gradient summed over the micro-batches since {@link #clearGradients}. */
    public FlatBuffer gradientOf(String name) {
        return sums.get(name);
    }

    public RankMemory memory() {
        return memory;
    }

    public SoloContext mode(Mode newMode) {
        mode = newMode;
        return this;
    }

    /** Says that nobody wants the gradient of a parameter which the model says is trained. */
    public SoloContext unwanted(String name) {
        unwanted.add(name);
        return this;
    }

    /** Casts products of matrices to {@code cast}. */
    public SoloContext products(DType cast) {
        products = Optional.of(cast);
        return this;
    }

    /** Runs forward and backward of one micro-batch and returns the loss. */
    public double learn(TrainableModel model, Batch batch, float seed) {
        try (Activations activations = model.forward(batch, this)) {
            model.backward(activations, seed, this);
            return activations.loss();
        }
    }

    @Override
    public Lease acquire(Unit unit) {
        log.add("acquire " + unit.name());
        return new Lease() {
            private boolean closed;

            @Override
            public FlatBuffer parameter(Parameter parameter) {
                if (closed || !unit.parameters().contains(parameter)) {
                    throw new AssertionError(parameter.name() + " is not on loan");
                }
                return working.get(layout.storage(parameter).name());
            }

            @Override
            public void close() {
                if (closed) {
                    throw new AssertionError("closed twice: " + unit.name());
                }
                closed = true;
                log.add("close " + unit.name());
            }
        };
    }

    @Override
    public Gradient gradient(Parameter parameter) {
        String name = layout.storage(parameter).name();
        return new Gradient() {
            @Override
            public boolean wanted() {
                return parameter.trainable() && !unwanted.contains(name);
            }

            @Override
            public void accumulate(Writer writer) {
                if (wanted()) {
                    writer.write(micro.get(name), written.put(name, true) != null);
                }
            }

            @Override
            public void accumulate(FlatBuffer contribution) {
                accumulate((target, add) -> kernels.scale(1, contribution, target, add));
            }
        };
    }

    @Override
    public void complete(Unit unit) {
        log.add("complete " + unit.name());
        for (Parameter parameter : unit.parameters()) {
            if (layout.storage(parameter) == parameter
                    && written.remove(parameter.name()) != null) {
                FlatBuffer rounded = rounding.get(parameter.name());
                kernels.convert(micro.get(parameter.name()), rounded);
                FlatBuffer sum = sums.get(parameter.name());
                kernels.add(sum, rounded, sum);
            }
        }
    }

    @Override
    public Mode mode() {
        return mode;
    }

    @Override
    public DType activationType() {
        return type;
    }

    @Override
    public DType productType() {
        return products.orElse(type);
    }

    @Override
    public Philox dropout() {
        return new Philox(7, Philox.DROPOUT);
    }

    @Override
    public Kernels kernels() {
        return kernels;
    }

    @Override
    public Workspace workspace() {
        return workspace;
    }

    @Override
    public <T> T keep(Class<T> key, Supplier<T> create) {
        return key.cast(kept.computeIfAbsent(key, _ -> create.get()));
    }

    @Override
    public void close() {
        workers.close();
        memory.close();
    }
}
