package ds.engine;

import ds.core.Device;
import ds.core.RankMemory;
import ds.engine.plan.TrainingPlan;
import ds.offload.FileOperations;
import ds.offload.PathBandwidth;
import ds.offload.PipelineSettings;
import ds.offload.RestingPlace;
import ds.offload.ShardFile;
import ds.offload.ShardFiles;
import ds.offload.StateLayout;
import ds.offload.StateStore;
import ds.offload.StateStores;
import ds.offload.StorageChoice;
import ds.offload.StorageProviders;
import ds.offload.StoreDirectory;
import ds.offload.StoreIdentity;
import ds.offload.StoreLocation;
import ds.offload.StoreTerms;
import ds.offload.StoreUse;
import ds.offload.Stripes;
import ds.offload.spi.StorageProvider;
import ds.zero.StoreFactory;
import ds.zero.StoreShapes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Opens the stores of all ranks of one run: one run name, one device, one backend; new ones, or those
 * that a run left.
 */
final class EngineStores implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("ds.engine");
    private static final String OPTIMIZER = "-optimizer";

    private final TrainingPlan plan;
    private final Device device;
    private final StorageProvider backend;
    private final FileOperations files;
    private final Stripes stripes;
    private final StoreIdentity identity;
    private final Optional<LeftStore> left;

    /** Newest first: what lies in a directory is closed before the directory. */
    private final Deque<AutoCloseable> opened = new ConcurrentLinkedDeque<>();

    private final Deque<StoreDirectory> durable = new ConcurrentLinkedDeque<>();

    private final String runId =
            HexFormat.of().toHexDigits(System.currentTimeMillis()).substring(4)
                    + "-"
                    + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());

    EngineStores(
            TrainingPlan plan,
            EngineOptions options,
            StoreIdentity identity,
            Optional<LeftStore> left) {
        this.plan = plan;
        this.files = options.files();
        this.identity = identity;
        this.left = left;
        StorageChoice choice =
                plan.storage()
                        .orElseGet(() -> new StorageChoice(StorageProviders.portable(), "unused"));
        if (plan.storage().isPresent()) {
            LOG.log(System.Logger.Level.INFO, "Files on NVMe are opened by {0}.", choice);
        }
        this.backend = choice.provider();
        this.stripes = stripes();
        this.device = options.device().get(); // last: nobody would close it after a failure
    }

    /** Returns what a run left that is gone on from. */
    Optional<LeftStore> left() {
        return left;
    }

    /** Returns the directory of a run that survives, shared by its ranks. */
    Optional<Path> runDirectory() {
        return durable.stream().findFirst().map(store -> store.location().runDirectory());
    }

    /** Returns where a rank's durable store is. */
    StoreLocation location(int rank) {
        List<Path> named =
                plan.zero().optimizer() instanceof RestingPlace.OnNvme place
                        ? place.directories()
                        : List.of();
        List<Path> paths = new ArrayList<>();
        paths.add(left.orElseThrow().store().nvmePath());
        paths.addAll(named.subList(Math.min(1, named.size()), named.size()));
        return new StoreLocation(
                paths, left.orElseThrow().store().runId(), rank, plan.batch().world());
    }

    /** Returns how files are dealt out to the paths: as they were, or as is measured now. */
    private Stripes stripes() {
        if (left.isPresent()) {
            return StoreDirectory.stripes(location(0));
        }
        List<Path> paths = plan.nvmePaths();
        if (paths.size() < 2) {
            return Stripes.NONE;
        }
        List<Double> bandwidths = PathBandwidth.of(paths, backend, plan.pipeline().aio(), files);
        Stripes measured = Stripes.measured(bandwidths, Stripes.bytesFor(plan.zero().chunkBytes()));
        for (int path = 0; path < paths.size(); path++) {
            LOG.log(
                    System.Logger.Level.INFO,
                    "nvme_paths: {0} moves {1} MB/s and gets the weight {2}.",
                    paths.get(path),
                    Long.toString(Math.round(bandwidths.get(path) / 1e6)),
                    measured.weights().get(path));
        }
        return measured;
    }

    /** Says that nobody needs what was committed any more: closing deletes it. */
    void release() {
        durable.forEach(StoreDirectory::release);
    }

    Device device() {
        return device;
    }

    /**
     * Checks that what all ranks will store fits, before anything is written.
     *
     * @throws ds.offload.StorageException if it does not
     */
    void requireSpace() {
        Map<Path, Long> needed = new HashMap<>();
        for (int rank = 0; rank < plan.batch().world(); rank++) {
            StoreShapes.of(plan.partition(), plan.zero(), plan.optimizer(), rank)
                    .nvmeBytes(
                            plan.zero(),
                            left.isPresent() ? Optional.empty() : Optional.of(plan.store()),
                            stripes)
                    .forEach((path, bytes) -> needed.merge(path, bytes, Long::sum));
        }
        StoreDirectory.requireSpace(needed, files);
    }

    StoreFactory of(int rank, RankMemory memory) {
        return new RankStores(rank, memory);
    }

    /** Opens the stores of one rank. */
    private final class RankStores implements StoreFactory {
        private final int rank;
        private final RankMemory memory;

        RankStores(int rank, RankMemory memory) {
            this.rank = rank;
            this.memory = memory;
        }

        @Override
        public StateStore states(RestingPlace place, StateLayout layout) {
            return switch (place) {
                case RestingPlace.OnDevice() -> inMemory(layout, false);
                case RestingPlace.InHost(boolean pinned) -> inMemory(layout, pinned);
                case RestingPlace.OnNvme nvme ->
                        kept(inFiles(nvme.directories(), layout, plan.pipeline().at(nvme)));
            };
        }

        private StateStore inFiles(
                List<Path> paths, StateLayout layout, PipelineSettings settings) {
            StoreTerms terms = plan.store();
            if (!terms.survives()) {
                StoreDirectory directory = open(paths, OPTIMIZER, StoreUse.IN_PLACE);
                return StateStores.onNvme(layout, memory, device, directory, settings, terms);
            }
            if (left.isPresent()) {
                StoreDirectory directory =
                        kept(StoreDirectory.reopen(location(rank), backend, files));
                durable.add(directory);
                return StateStores.reopen(
                        layout, memory, device, directory, settings, terms, identity);
            }
            StoreDirectory directory = open(paths, OPTIMIZER, StoreUse.DURABLE);
            durable.add(directory);
            return StateStores.durable(
                    layout, memory, device, directory, settings, terms, identity);
        }

        private StateStore inMemory(StateLayout layout, boolean pinned) {
            return StateStores.inMemory(layout, memory, device, pinned, plan.zero().chunkBytes());
        }

        @Override
        public ShardFile cache(RestingPlace.OnNvme place, ShardFiles.Shape shape) {
            return kept(
                    ShardFiles.onNvme(
                            shape,
                            memory,
                            open(place.directories(), "-" + shape.name(), StoreUse.CACHE),
                            plan.pipeline().at(place)));
        }

        private StoreDirectory open(List<Path> paths, String name, StoreUse use) {
            return kept(
                    StoreDirectory.open(
                            new StoreLocation(paths, runId + name, rank, plan.batch().world()),
                            backend,
                            files,
                            use,
                            stripes));
        }

        private <T extends AutoCloseable> T kept(T store) {
            opened.addFirst(store);
            return store;
        }
    }

    /**
     * Closes the stores that their ranks have not closed, which is so after a failure while a rank
     * was made, and deletes the directories that nobody can go on from. The rank threads have ended.
     */
    @Override
    public void close() {
        List<AutoCloseable> parts = new ArrayList<>(opened);
        parts.add(device);
        Closing.all(parts);
    }
}
