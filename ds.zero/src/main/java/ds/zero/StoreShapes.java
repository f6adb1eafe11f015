package ds.zero;

import ds.core.DType;
import ds.offload.PipelineSettings;
import ds.offload.RestingPlace;
import ds.offload.ShardFiles;
import ds.offload.StateLayout;
import ds.offload.StateStores;
import ds.offload.StoreTerms;
import ds.offload.Stripes;
import ds.optim.spi.Optimizer;
import ds.optim.spi.StateSlot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToLongFunction;

/**
 * What one rank keeps in stores, known before any is opened.
 *
 * @param masterStored whether the master is array 0 of the states, apart from the working parameter
 * @param states the masters, if stored, and the optimizer's slots; empty if there are none
 * @param parameters the rank's part of the working parameters, where they rest in a file
 * @param gradients the rank's part of the gradients' accumulators, where they rest in a file
 */
public record StoreShapes(
        boolean masterStored,
        Optional<StateLayout> states,
        Optional<ShardFiles.Shape> parameters,
        Optional<ShardFiles.Shape> gradients) {
    /**
     * Returns the shapes of one rank.
     *
     * @param optimizer says what is kept per element
     */
    public static StoreShapes of(
            PartitionMap map, ZeroOptions options, Optimizer optimizer, int rank) {
        List<StateSlot> slots = optimizer.slots();
        OwnedSpace held = map.owned(rank, true);
        Optional<ShardFiles.Shape> parameters =
                ShardHome.shape(
                        ShardHome.PARAMETERS,
                        options.parameters().stored(held),
                        options.precision());
        OwnedSpace trained = map.owned(rank, false);
        Optional<ShardFiles.Shape> gradients =
                options.gradients().place() instanceof RestingPlace.OnNvme
                        ? ShardHome.shape(
                                ShardHome.GRADIENTS,
                                trained.runs(),
                                options.gradients().accumulators())
                        : Optional.empty();
        boolean masterStored =
                options.precision() != DType.FP32 && !options.states().mastersAreNarrow()
                        || options.optimizer() instanceof RestingPlace.OnNvme
                        || parameters.isPresent();
        List<String> arrays = new ArrayList<>();
        if (masterStored) {
            arrays.add(TensorSink.MASTER);
        }
        slots.forEach(slot -> arrays.add(slot.name()));
        OwnedSpace stepped = stepped(map, options, rank);
        List<Long> lengths = stepped.runs().stream().map(OwnedSpace.Run::length).toList();
        boolean inFiles = options.optimizer() instanceof RestingPlace.OnNvme;
        return new StoreShapes(
                masterStored,
                arrays.isEmpty() || lengths.isEmpty() && !inFiles
                        ? Optional.empty()
                        : Optional.of(
                                new StateLayout(
                                        arrays,
                                        lengths,
                                        options.states().slots(),
                                        inFiles ? frozen(held) : List.of(),
                                        options.states().coding(masterStored, slots),
                                        wholes(stepped, optimizer, masterStored))),
                parameters,
                gradients);
    }

    /** Returns what is there of each matrix that is stepped whole, by its run. */
    private static Map<Integer, List<Integer>> wholes(
            OwnedSpace stepped, Optimizer optimizer, boolean masterStored) {
        Map<Integer, List<Integer>> wholes = new HashMap<>();
        for (int run = 0; run < stepped.runs().size(); run++) {
            OwnedSpace.Run each = stepped.runs().get(run);
            if (each.region() == Region.WHOLE) {
                List<Integer> arrays = new ArrayList<>();
                if (masterStored) {
                    arrays.add(0);
                }
                for (int slot : indices(stepped.slots(each, optimizer), optimizer)) {
                    arrays.add(masterStored ? slot + 1 : slot);
                }
                wholes.put(run, arrays);
            }
        }
        return wholes;
    }

    /** Returns where some of an optimizer's slots are among all of them. */
    static List<Integer> indices(List<StateSlot> some, Optimizer optimizer) {
        List<StateSlot> all = optimizer.slots();
        if (!all.containsAll(some)) {
            throw new IllegalArgumentException(
                    "The optimizer keeps %s of a parameter, which are not all among its slots %s."
                            .formatted(some, all));
        }
        return some.stream().map(all::indexOf).toList();
    }

    /** What is not trained is in a store too, so that a run can go on from it alone. */
    private static List<StateLayout.Extra> frozen(OwnedSpace held) {
        List<Long> lengths =
                held.runs().stream()
                        .filter(run -> run.region() == Region.FROZEN)
                        .map(OwnedSpace.Run::length)
                        .toList();
        return lengths.isEmpty()
                ? List.of()
                : List.of(new StateLayout.Extra(ShardState.FROZEN, lengths));
    }

    /** Returns the elements that a rank steps. */
    static OwnedSpace stepped(PartitionMap map, ZeroOptions options, int rank) {
        return options.residency().shardStates() ? map.owned(rank, false) : map.everything(false);
    }

    /** Returns the bytes of memory that the stores take beside the arrays of states in memory. */
    long stagingBytes(ZeroOptions options, PipelineSettings pipeline, StoreTerms terms) {
        long bytes =
                states.map(
                                layout ->
                                        options.optimizer() instanceof RestingPlace.OnNvme place
                                                ? StateStores.stagingBytes(
                                                        layout, pipeline.at(place), terms)
                                                : StateStores.stagingBytes(
                                                        layout, options.chunkBytes()))
                        .orElse(0L);
        return bytes
                + stagingBytes(options.parameters().place(), parameters, pipeline)
                + stagingBytes(options.gradients().place(), gradients, pipeline);
    }

    /** Returns the bytes of staging whose pages are locked in memory. */
    long lockedStagingBytes(ZeroOptions options, PipelineSettings pipeline, StoreTerms terms) {
        long bytes =
                states.isPresent()
                                && options.optimizer() instanceof RestingPlace.OnNvme place
                                && place.slots().pinned()
                        ? StateStores.slotBytes(states.get(), pipeline.at(place), terms)
                        : 0;
        return bytes
                + lockedBytes(options.parameters().place(), parameters, pipeline)
                + lockedBytes(options.gradients().place(), gradients, pipeline);
    }

    private static long lockedBytes(
            RestingPlace place, Optional<ShardFiles.Shape> file, PipelineSettings pipeline) {
        return place.pinned() ? stagingBytes(place, file, pipeline) : 0;
    }

    /**
     * Returns the bytes of the files without those of journals.
     *
     * @param terms of the states' store
     */
    public long storedBytes(ZeroOptions options, StoreTerms terms) {
        long bytes =
                parameters.map(ShardFiles::fileBytes).orElse(0L)
                        + gradients.map(ShardFiles::fileBytes).orElse(0L);
        return options.optimizer() instanceof RestingPlace.OnNvme && states.isPresent()
                ? bytes + StateStores.extentBytes(states.get(), options.chunkBytes(), terms)
                : bytes;
    }

    private static long stagingBytes(
            RestingPlace place, Optional<ShardFiles.Shape> file, PipelineSettings pipeline) {
        return place instanceof RestingPlace.OnNvme nvme
                ? file.map(shape -> ShardFiles.stagingBytes(shape, pipeline.at(nvme))).orElse(0L)
                : 0;
    }

    /**
     * Returns the bytes of the files, by {@code nvme_path}.
     *
     * @param terms of the states' store; empty if it is there already
     * @param stripes how files are dealt out to the paths
     */
    public Map<Path, Long> nvmeBytes(
            ZeroOptions options, Optional<StoreTerms> terms, Stripes stripes) {
        Map<Path, Long> bytes = new HashMap<>();
        if (options.optimizer() instanceof RestingPlace.OnNvme place
                && states.isPresent()
                && terms.isPresent()) {
            add(
                    bytes,
                    place,
                    path ->
                            StateStores.partBytes(
                                    states.get(),
                                    options.chunkBytes(),
                                    terms.get(),
                                    stripes,
                                    path));
        }
        add(bytes, options.parameters().place(), parameters, stripes);
        add(bytes, options.gradients().place(), gradients, stripes);
        return bytes;
    }

    private static void add(
            Map<Path, Long> bytes,
            RestingPlace place,
            Optional<ShardFiles.Shape> file,
            Stripes stripes) {
        if (place instanceof RestingPlace.OnNvme nvme && file.isPresent()) {
            add(bytes, nvme, path -> ShardFiles.partBytes(file.get(), stripes, path));
        }
    }

    private static void add(
            Map<Path, Long> bytes, RestingPlace.OnNvme place, IntToLongFunction ofPath) {
        for (int path = 0; path < place.directories().size(); path++) {
            bytes.merge(place.directories().get(path), ofPath.applyAsLong(path), Long::sum);
        }
    }
}
