package ds.offload;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/** The stores that are there: found, looked into, verified, removed. Nothing here changes one. */
public final class Stores {
    private static final String RUN_PREFIX = "ds-";
    private static final String RANK_PREFIX = "rank-";

    private Stores() {}

    /**
     * What a store's last commit says.
     *
     * @param runId the run
     * @param rank of {@code world}
     * @param identity whose state it is
     * @param number of the commit
     * @param epoch how often the run had been recovered
     * @param run where the run stood
     * @param arrays what is kept, with the elements of each
     * @param codec what encodes the optimizer's slots; {@code fp32} if nothing does
     * @param generations how often each extent is there
     */
    public record LastCommit(
            String runId,
            int rank,
            int world,
            StoreIdentity identity,
            long number,
            long epoch,
            CommitRecord run,
            Map<String, Long> arrays,
            String codec,
            int generations) {
        /** Copies the map. */
        public LastCommit {
            arrays = Map.copyOf(arrays);
        }
    }

    /**
     * One rank's store.
     *
     * @param directory its own, at home
     * @param partOf the home of the store, where this is only its part in another path
     * @param paths the directories it lies in, home first, with the weight of each where there is
     *     more than one
     * @param life what has become of it
     * @param sizeBytes of its files, in all paths
     * @param backend what its files are open with where it is {@code LIVE}, else were last; empty
     *     where its header does not say
     * @param lastCommit empty if there is none, or it cannot be read
     * @param problem why it cannot be read; empty if it can, or there is none
     * @param notes what is damaged and can be done without
     */
    public record RankStore(
            Path directory,
            Optional<Path> partOf,
            Map<Path, Integer> paths,
            StoreLife life,
            long sizeBytes,
            Optional<String> backend,
            Optional<LastCommit> lastCommit,
            Optional<String> problem,
            List<String> notes) {
        /** Copies the map and the list. */
        public RankStore {
            paths = Collections.unmodifiableMap(new LinkedHashMap<>(paths));
            notes = List.copyOf(notes);
        }
    }

    /**
     * The stores of one run that can be seen from here.
     *
     * @param directory the run's
     * @param ranks in order
     */
    public record RunStore(Path directory, List<RankStore> ranks) {
        /** Copies the list. */
        public RunStore {
            ranks = List.copyOf(ranks);
        }

        /** Returns whether any rank's store can be gone on from. */
        public boolean isResumable() {
            return ranks.stream()
                    .anyMatch(
                            rank -> rank.life() == StoreLife.RESUMABLE && rank.partOf().isEmpty());
        }

        /** Returns whether only parts of stores are here, whose home is in another path. */
        public boolean isPart() {
            return ranks.stream().allMatch(rank -> rank.partOf().isPresent());
        }

        /** Returns the bytes of all files. */
        public long sizeBytes() {
            return ranks.stream().mapToLong(RankStore::sizeBytes).sum();
        }

        /** Returns what the first rank that has a commit says of it. */
        public Optional<LastCommit> lastCommit() {
            return ranks.stream().flatMap(rank -> rank.lastCommit().stream()).findFirst();
        }

        /** Returns the {@code nvme_path}. */
        public Path nvmePath() {
            return Objects.requireNonNull(
                    directory.toAbsolutePath().getParent(), "a run's directory has a parent");
        }

        /** Returns the run's id. */
        public String runId() {
            return directory.getFileName().toString().substring(RUN_PREFIX.length());
        }
    }

    /**
     * Returns the runs at {@code path}: an {@code nvme_path}, a run's directory or a rank's.
     *
     * @throws StorageException if it cannot be read
     */
    public static List<RunStore> list(Path path) {
        try {
            if (!Files.isDirectory(path)) {
                return List.of();
            }
            List<RunStore> found = new ArrayList<>();
            for (Path run : runs(path)) {
                List<RankStore> ranks = new ArrayList<>();
                for (Path rank : StaleStores.ranks(run).stream().sorted().toList()) {
                    ranks.add(look(rank));
                }
                if (!ranks.isEmpty()) {
                    found.add(new RunStore(run, ranks));
                }
            }
            return found;
        } catch (IOException e) {
            throw new StorageException("Cannot read %s: %s.".formatted(path, e), e);
        }
    }

    private static List<Path> runs(Path path) throws IOException {
        Path name = path.toAbsolutePath().normalize().getFileName();
        if (name != null && name.toString().startsWith(RANK_PREFIX)) {
            return List.of(path.toAbsolutePath().normalize().getParent());
        }
        if (name != null
                && name.toString().startsWith(RUN_PREFIX)
                && !StaleStores.ranks(path).isEmpty()) {
            return List.of(path);
        }
        return StaleStores.runs(path).stream().sorted().toList();
    }

    /** Returns whether {@code path} is a store, or a directory with at least one in it. */
    public static boolean isPresent(Path path) {
        return !list(path).isEmpty();
    }

    /**
     * Returns the one run at {@code path} that can be gone on from.
     *
     * @throws StorageException if there is none, or there are several
     */
    public static RunStore resumable(Path path) {
        List<RunStore> all = list(path);
        List<RunStore> found = all.stream().filter(RunStore::isResumable).toList();
        if (found.size() == 1) {
            return found.getFirst();
        }
        if (!found.isEmpty()) {
            throw new StorageException(
                    "%s holds the stores of %d runs that can be gone on from; name one of %s."
                            .formatted(
                                    path,
                                    found.size(),
                                    found.stream().map(RunStore::directory).toList()));
        }
        if (all.isEmpty()) {
            throw new StorageException(
                    "There is no offload store in %s; name a run's directory in nvme_path."
                            .formatted(path));
        }
        List<String> lives = new ArrayList<>();
        for (RunStore run : all) {
            for (RankStore rank : run.ranks()) {
                lives.add(
                        "%s is %s%s"
                                .formatted(
                                        rank.directory(),
                                        rank.life(),
                                        rank.problem().map(why -> " (" + why + ")").orElse("")));
            }
        }
        throw new StorageException(
                "No run can go on from %s: %s. Resume from a checkpoint."
                        .formatted(path, String.join(", ", lives)));
    }

    private static RankStore look(Path rank) throws IOException {
        Optional<Path> home = Optional.empty();
        Map<Path, Integer> paths = new LinkedHashMap<>();
        try {
            Optional<PartsFile> parts = PartsFile.read(rank);
            if (parts.isPresent()) {
                home = parts.filter(part -> part.index() > 0).map(part -> part.home(rank));
                List<Path> directories = parts.get().at(home.orElse(rank)).directories();
                for (int path = 0; path < directories.size(); path++) {
                    paths.put(directories.get(path), parts.get().stripes().weights().get(path));
                }
            }
        } catch (StorageException e) {
            return new RankStore(
                    rank,
                    home,
                    paths,
                    life(rank),
                    StaleStores.sizeBytes(rank),
                    StoreOwner.read(rank).flatMap(StoreOwner::backend),
                    Optional.empty(),
                    Optional.of(String.valueOf(e.getMessage())),
                    List.of());
        }
        return home.isPresent() ? part(rank, home.get(), paths) : whole(rank, paths);
    }

    private static RankStore part(Path rank, Path home, Map<Path, Integer> paths)
            throws IOException {
        return new RankStore(
                rank,
                Optional.of(home),
                paths,
                life(rank),
                StaleStores.sizeBytes(rank),
                Optional.empty(),
                Optional.empty(),
                Optional.of(
                        "It is a part of the offload store %s%s."
                                .formatted(
                                        home,
                                        isHomeOf(home, rank)
                                                ? "; name that one"
                                                : ", which is not there")),
                List.of());
    }

    /** Returns whether a store has its home there, of which a directory is a part. */
    private static boolean isHomeOf(Path home, Path part) {
        try {
            Optional<PartsFile> known = PartsFile.read(home);
            return known.isPresent()
                    && PartsFile.read(part).filter(it -> it.set() == known.get().set()).isPresent();
        } catch (StorageException e) {
            return true; // nobody knows, so that nothing of it is removed
        }
    }

    /** Returns the home of a part, if it is one and home is there. */
    private static Optional<Path> homeOf(Path rankDirectory) {
        try {
            return PartsFile.read(rankDirectory)
                    .filter(parts -> parts.index() > 0)
                    .map(parts -> parts.home(rankDirectory))
                    .filter(home -> isHomeOf(home, rankDirectory));
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    private static boolean isOrphan(Path rankDirectory) {
        try {
            return PartsFile.read(rankDirectory).filter(parts -> parts.index() > 0).isPresent()
                    && homeOf(rankDirectory).isEmpty();
        } catch (StorageException e) {
            return !Files.exists(rankDirectory.resolve(StoreOwner.FILE)); // home has one
        }
    }

    private static RankStore whole(Path rank, Map<Path, Integer> paths) throws IOException {
        StoreLife life = life(rank);
        Optional<LastCommit> last = Optional.empty();
        Optional<String> problem = Optional.empty();
        List<String> notes = List.of();
        if (StoreHistory.mayHoldCommits(rank)) {
            try {
                StoreHistory history = StoreHistory.read(rank, FileOperations.system());
                last = Optional.of(lastCommit(history));
                notes = history.notes();
            } catch (StorageException e) {
                problem = Optional.of(String.valueOf(e.getMessage()));
            }
        }
        Optional<String> backend = StoreOwner.read(rank).flatMap(StoreOwner::backend);
        return new RankStore(
                rank,
                Optional.empty(),
                paths,
                life,
                StaleStores.allBytes(rank),
                backend,
                last,
                problem,
                notes);
    }

    private static LastCommit lastCommit(StoreHistory history) {
        CommitCodec.Commit commit = history.commit();
        StoreShape shape = history.frame().shape();
        Map<String, Long> arrays = new TreeMap<>();
        List<ExtentFile.Shape> files = shape.files();
        for (int array = 0; array < files.size(); array++) {
            arrays.put(files.get(array).name(), shape.layout().elements(array));
        }
        return new LastCommit(
                commit.runId(),
                commit.rank(),
                commit.world(),
                commit.identity(),
                history.last().commit(),
                history.last().epoch(),
                commit.run(),
                arrays,
                shape.layout().coding().name(),
                shape.slots());
    }

    /**
     * Returns what has become of a rank's store. A part of one in another path is what its home is,
     * and {@code RESUMABLE} where that is not there: its drive may come back.
     */
    public static StoreLife life(Path rankDirectory) {
        Optional<Path> home = homeOf(rankDirectory);
        if (home.isPresent()) {
            return life(home.get());
        }
        if (isOrphan(rankDirectory)) {
            return StoreLife.RESUMABLE;
        }
        Optional<StoreOwner> owner = StoreOwner.read(rankDirectory);
        if (owner.filter(StoreOwner::runs).isPresent() || StoreLock.isHeld(rankDirectory)) {
            return StoreLife.LIVE;
        }
        if (owner.filter(StoreOwner::released).isPresent()) {
            return StoreLife.RELEASED;
        }
        if (StoreHistory.mayHoldCommits(rankDirectory)) {
            return StoreLife.RESUMABLE;
        }
        return owner.filter(found -> found.use() == StoreUse.IN_PLACE).isPresent()
                ? StoreLife.DIRTY
                : StoreLife.RELEASED;
    }

    /**
     * Checks every byte of a rank's store against its commits: the last one, and what its other
     * slots hold of earlier ones.
     *
     * @throws StorageException if it is in use
     */
    public static StoreVerification verify(Path rankDirectory) {
        return verify(rankDirectory, FileOperations.system());
    }

    /** As the other one, through other file operations. */
    public static StoreVerification verify(Path rankDirectory, FileOperations files) {
        requireNotLive(rankDirectory);
        return StoreVerification.of(rankDirectory, files);
    }

    /**
     * Removes the stores of a run, whatever they hold.
     *
     * @return the bytes that are free now, in all paths
     * @throws StorageException if one of them is in use, or is a part of one whose home is there;
     *     nothing is removed then
     */
    public static long prune(RunStore run) {
        for (RankStore rank : run.ranks()) {
            requireNotLive(rank.directory());
            homeOf(rank.directory())
                    .ifPresent(
                            home -> {
                                throw new StorageException(
                                        "%s is a part of the offload store %s; prune that one."
                                                .formatted(rank.directory(), home));
                            });
        }
        long freed = 0;
        for (RankStore rank : run.ranks()) {
            if (!StaleStores.deleteIfUnlocked(rank.directory())) {
                throw new StorageException(
                        "The offload store %s could not be removed; the log says why."
                                .formatted(rank.directory()));
            }
            freed += rank.sizeBytes();
        }
        return freed;
    }

    private static void requireNotLive(Path rankDirectory) {
        if (life(rankDirectory) == StoreLife.LIVE) {
            throw new StorageException(
                    "The offload store %s is in use%s; end that run first."
                            .formatted(
                                    rankDirectory,
                                    StoreOwner.read(rankDirectory)
                                            .filter(StoreOwner::runs)
                                            .map(owner -> " by process " + owner.pid())
                                            .orElse("")));
        }
    }
}
