package ds.engine.plan;

import ds.config.Aio;
import ds.config.DsConfig;
import ds.config.Jvm;
import ds.config.OffloadDevice;
import ds.config.OffloadOptimizer;
import ds.config.Tunable;
import ds.config.ZeroOptimization;
import ds.core.DType;
import ds.core.Diagnostic;
import ds.core.ProviderException;
import ds.core.Spelling;
import ds.offload.AioSettings;
import ds.offload.PipelineSettings;
import ds.offload.RestingPlace;
import ds.offload.StagingSlots;
import ds.offload.StateCodecs;
import ds.offload.StateLayout;
import ds.offload.StateStores;
import ds.offload.StorageChoice;
import ds.offload.StorageException;
import ds.offload.StorageProviders;
import ds.offload.StoreTerms;
import ds.offload.Stripes;
import ds.offload.spi.StateCodec;
import ds.offload.spi.StateCodecProvider;
import ds.zero.StateStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Decides where states, parameters and gradients rest, and what moves and encodes them. */
final class OffloadChoice {
    private static final String PATHS = "/jvm/nvme_paths";

    private final DsConfig config;
    private final DType type;
    private final ZeroOptimization section;
    private final ModuleLayer layer;
    private final List<Diagnostic> problems;
    private final RestingPlace optimizer;
    private final RestingPlace parameters;
    private final RestingPlace gradients;
    private final Optional<StorageChoice> storage;
    private final AioSettings aio;

    /**
     * Decides; what cannot be is added to {@code problems}.
     *
     * @param type of working parameters
     */
    OffloadChoice(DsConfig config, DType type, ModuleLayer layer, List<Diagnostic> problems) {
        this.type = type;
        this.config = config;
        this.section = config.zero();
        this.layer = layer;
        this.problems = problems;
        this.optimizer = optimizerPlace();
        this.parameters = parameterPlace();
        this.gradients = gradientPlace();
        if (optimizer instanceof RestingPlace.OnNvme || parameters instanceof RestingPlace.OnNvme) {
            requirePaths();
        }
        this.storage = backend();
        this.aio = storage.isPresent() ? aio() : AioSettings.DEFAULT;
    }

    /** Returns where masters and optimizer states rest. */
    RestingPlace optimizer() {
        return optimizer;
    }

    /** Returns where a rank's working parameters rest. */
    RestingPlace parameters() {
        return parameters;
    }

    /** Returns where a rank's accumulated gradients rest. */
    RestingPlace gradients() {
        return gradients;
    }

    /** Returns what opens files, if there are any or it was named. */
    Optional<StorageChoice> storage() {
        return storage;
    }

    /** Returns how chunks of {@code chunkBytes} are moved. */
    PipelineSettings pipeline(long chunkBytes) {
        return PipelineSettings.DEFAULT
                .withChunkBytes(chunkBytes)
                .withAio(aio)
                .withWaiting(
                        config.jvm().pipelineWait().equals("block")
                                ? PipelineSettings.Wait.BLOCKING
                                : PipelineSettings.Wait.YIELD);
    }

    /** Returns what a store promises. */
    StoreTerms store() {
        Jvm jvm = config.jvm();
        double share = section.offloadOptimizer().ratio();
        boolean reserved = section.offloadOptimizer().fastInit();
        return jvm.crashConsistent()
                ? new StoreTerms(jvm.generations(), jvm.commitEverySteps(), share, reserved)
                : StoreTerms.IN_PLACE.withShare(share).withReserved(reserved);
    }

    /** Returns what is to be said of a share that whole chunks cannot make. */
    Optional<Decision> remark(StateLayout states, long chunkBytes) {
        double share = store().share();
        if (!(optimizer instanceof RestingPlace.OnNvme) || share == 0 || share == 1) {
            return Optional.empty();
        }
        long resident = StateStores.residentElements(states, chunkBytes, store()).getFirst();
        if (resident > 0 && resident < states.elements() || states.elements() == 0) {
            return Optional.empty();
        }
        return Optional.of(
                new Decision(
                        Decision.Kind.WARNING,
                        OffloadOptimizer.POINTER + "/ratio",
                        "is %s, but whole chunks of %s rest on NVMe or in memory, so that %s; a smaller jvm.chunk_bytes cuts finer"
                                .formatted(
                                        share,
                                        PlanText.bytes(chunkBytes),
                                        resident == 0
                                                ? "all of the state rests on NVMe"
                                                : "all of it stays in memory")));
    }

    /** Returns what encodes the optimizer's slots; empty if nothing does, or a problem was reported. */
    Optional<StateCodec> codec(StateStorage states) {
        String name = config.jvm().stateCodec();
        try {
            Optional<StateCodec> codec = StateCodecs.named(layer, name);
            if (codec.isPresent() && optimizer instanceof RestingPlace.OnDevice) {
                refuseCodec(
                        "'state_codec' is '%s', but the optimizer's state is not offloaded."
                                .formatted(name),
                        "Set zero_optimization.offload_optimizer.device to \"cpu\" or \"nvme\", or remove it.");
            } else if (codec.isPresent() && states.slots() != DType.FP32) {
                refuseCodec(
                        "'state_codec' is '%s', but bf16.bf16_optimizer_states keeps the slots in 16 bits already."
                                .formatted(name),
                        "Remove one of the two.");
            }
            return codec;
        } catch (ProviderException e) {
            List<String> names = StateCodecs.names(layer);
            List<String> near = Spelling.nearest(name, names, 1);
            boolean known = names.stream().anyMatch(name::equalsIgnoreCase);
            refuseCodec(
                    known
                            ? String.valueOf(e.getMessage())
                            : "No state codec is named '%s'; this runtime has %s."
                                    .formatted(name, names),
                    near.isEmpty()
                            ? "Name one of them, or add its module to the module path."
                            : "Did you mean '%s'?".formatted(near.getFirst()));
            return Optional.empty();
        }
    }

    private void refuseCodec(String message, String wayOut) {
        refuse("state-codec", "/jvm/state_codec", message, wayOut);
    }

    /** Returns what there is to compare, where fp32 slots are offloaded. */
    List<StateCodec> codecs(StateStorage states) {
        return optimizer instanceof RestingPlace.OnDevice || states.slots() != DType.FP32
                ? List.of()
                : StateCodecs.table(layer).all().stream()
                        .filter(provider -> provider.unavailable().isEmpty())
                        .map(StateCodecProvider::create)
                        .toList();
    }

    private void refuse(String code, String pointer, String message, String wayOut) {
        problems.add(config.locate(Diagnostic.refused(code, pointer, message, wayOut)));
    }

    private RestingPlace optimizerPlace() {
        var offload = section.offloadOptimizer();
        boolean pinned = isOn(offload.pinMemory(), false);
        return switch (offload.device()) {
            case NONE -> new RestingPlace.OnDevice();
            case CPU -> new RestingPlace.InHost(pinned);
            case NVME ->
                    onNvme(
                            "/zero_optimization/offload_optimizer",
                            offload.nvmePath(),
                            new StagingSlots(
                                    slots(offload.bufferCount()),
                                    pinned,
                                    isOn(offload.pipelineRead(), true),
                                    isOn(offload.pipelineWrite(), true)),
                            Long.MAX_VALUE);
        };
    }

    private RestingPlace parameterPlace() {
        var offload = section.offloadParam();
        boolean pinned = isOn(offload.pinMemory(), false);
        return switch (offload.device()) {
            case NONE -> new RestingPlace.OnDevice();
            case CPU -> new RestingPlace.InHost(pinned);
            case NVME ->
                    onNvme(
                            "/zero_optimization/offload_param",
                            offload.nvmePath(),
                            new StagingSlots(slots(offload.bufferCount()), pinned, true, true),
                            bytes(offload.bufferSizeElements()));
        };
    }

    /** Returns what a key says where it is written; what DeepSpeed takes it for if absent is not asked. */
    private static boolean isOn(Tunable<Boolean> key, boolean absent) {
        return key.origin() == Tunable.Origin.GIVEN ? key.value() : absent;
    }

    /** Returns a number of slots; one out of range is one of the document's own problems. */
    private static int slots(long count) {
        return Math.clamp(count, 1, StagingSlots.COUNT_MAX);
    }

    /** Gradients rest where the step that reads them finds its states. */
    private RestingPlace gradientPlace() {
        if (!config.jvm().gradientsOnNvme()) {
            return new RestingPlace.OnDevice();
        }
        String pointer = "/jvm/offload_gradients";
        if (section.stage() < 2) {
            refuse(
                    "offload-gradients",
                    pointer,
                    "Gradients rest on NVMe only where they are sharded; 'stage' is %d."
                            .formatted(section.stage()),
                    "Use \"stage\": 2 or 3.");
            return new RestingPlace.OnDevice();
        }
        if (section.offloadOptimizer().device() != OffloadDevice.NVME) {
            refuse(
                    "offload-gradients",
                    pointer,
                    "Gradients rest on NVMe only beside the optimizer's state, which rests %s."
                            .formatted(PlanText.place(optimizer)),
                    "Set \"offload_optimizer\": {\"device\": \"nvme\", \"nvme_path\": DIR}.");
        }
        return optimizer instanceof RestingPlace.OnNvme nvme
                ? nvme.withSlots(nvme.slots().writtenBehind()) // in backward, beside the step's own
                : optimizer;
    }

    private long bytes(long parameters) {
        return type.bytesOf(Math.min(parameters, Long.MAX_VALUE / type.sizeBytes()));
    }

    private RestingPlace onNvme(
            String pointer, Optional<Path> path, StagingSlots slots, long bufferBytes) {
        List<Path> several = config.jvm().nvmePaths();
        if (!several.isEmpty()) {
            return new RestingPlace.OnNvme(several, slots, bufferBytes);
        }
        if (path.isEmpty()) {
            return new RestingPlace.OnDevice(); // one of the document's own problems
        }
        requireUsable(path.get(), "nvme_path", pointer + "/nvme_path");
        return new RestingPlace.OnNvme(List.of(path.get()), slots, bufferBytes);
    }

    /** What several paths have to be beside directories: as many, and each another one. */
    private void requirePaths() {
        List<Path> paths = config.jvm().nvmePaths();
        if (paths.size() > Stripes.PATHS_MAX) {
            refuse(
                    "nvme-path",
                    PATHS,
                    "'nvme_paths' names %d directories; at most %d are used together."
                            .formatted(paths.size(), Stripes.PATHS_MAX),
                    "Name fewer.");
            return;
        }
        Map<Path, Integer> known = new HashMap<>();
        for (int i = 0; i < paths.size(); i++) {
            String pointer = PATHS + "/" + i;
            Optional<Path> real = requireUsable(paths.get(i), "nvme_paths", pointer);
            if (real.isPresent()) {
                @Nullable Integer before = known.putIfAbsent(real.get(), i);
                if (before != null) {
                    refuse(
                            "nvme-path",
                            pointer,
                            "nvme_paths names '%s' and '%s', which are one directory."
                                    .formatted(paths.get(before), paths.get(i)),
                            "Name each drive once.");
                }
            }
        }
    }

    /** Returns what a directory really is; empty if it cannot be used, which is then refused. */
    private Optional<Path> requireUsable(Path path, String key, String pointer) {
        Optional<String> why = usableDirectory(path);
        if (why.isEmpty()) {
            try {
                return Optional.of(path.toRealPath());
            } catch (IOException e) {
                why = Optional.of("it cannot be read (%s)".formatted(e.getMessage()));
            }
        }
        problems.add(config.locate(PathCheck.unusable(key, path, pointer, why.get())));
        return Optional.empty();
    }

    /** One backend opens all files of a run. */
    private Optional<StorageChoice> backend() {
        List<Path> directories =
                Stream.of(optimizer, parameters)
                        .filter(RestingPlace.OnNvme.class::isInstance)
                        .map(place -> ((RestingPlace.OnNvme) place).directories())
                        .findFirst()
                        .orElse(List.of());
        String name = config.jvm().storageBackend();
        try {
            return name.equals("auto")
                    ? directories.isEmpty()
                            ? Optional.empty()
                            : Optional.of(StorageProviders.best(layer, directories))
                    : Optional.of(
                            StorageProviders.named(
                                    layer,
                                    name,
                                    directories.isEmpty() ? List.of(Path.of("")) : directories));
        } catch (ProviderException | StorageException e) {
            refuse(
                    "storage-backend",
                    "/jvm/storage_backend",
                    e.getMessage(),
                    "Name another backend, or \"auto\".");
            return Optional.empty();
        }
    }

    private AioSettings aio() {
        try {
            Aio aio = config.aio();
            return new AioSettings(
                    saturated(aio.blockSize()),
                    saturated(aio.queueDepth()),
                    saturated(aio.intraOpParallelism()),
                    aio.singleSubmit(),
                    aio.overlapEvents());
        } catch (IllegalArgumentException e) {
            refuse(
                    "aio",
                    "/aio",
                    String.valueOf(e.getMessage()),
                    "DeepSpeed's own values are 1048576, 8 and 1.");
            return AioSettings.DEFAULT;
        }
    }

    /** Every range of the settings ends far below. */
    private static int saturated(long value) {
        return Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    private static Optional<String> usableDirectory(Path path) {
        Optional<String> inTheWay = PathCheck.inTheWay(path);
        if (inTheWay.isPresent()) {
            return inTheWay;
        }
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            return Optional.of(
                    "it cannot be created (%s)".formatted(String.valueOf(e.getMessage())));
        }
        return Files.isWritable(path) ? Optional.empty() : Optional.of("it is not writable");
    }
}
