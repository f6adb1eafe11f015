package ds.zero;

import ds.comm.Split;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Unit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Who owns which elements (docs/numerics.md, "Partition"). Pure arithmetic over a layout and a number of ranks,
 * immutable, the same on every rank and at every stage.
 *
 * <p>Units come in layout order. A unit has up to three {@link Region}s. In each, a parameter starts
 * at a multiple of {@value #BLOCK_ELEMENTS} elements, and what lies between parameters is padding:
 * zero, never stepped, not in norms, not in checkpoints. A region's blocks are divided in runs of
 * whole blocks, one per rank; the first {@code blocks mod world} runs have one more. Parameters that
 * an optimizer must see whole go to the rank that owns least so far (ties: the lower rank). Tied
 * parameters are stored once, in the unit that declares them first.
 */
public final class PartitionMap {
    /** Elements of a block: 4 KiB of fp32, the unit of direct I/O and of exact norms. */
    public static final int BLOCK_ELEMENTS = 1024;

    /**
     * Where a stored parameter lies.
     *
     * @param parameter the parameter that owns the storage
     * @param unit index of its unit in layout order
     * @param region which part of the unit
     * @param offset first element inside the region; a multiple of {@value #BLOCK_ELEMENTS}
     */
    public record Place(Parameter parameter, int unit, Region region, long offset) {}

    private record Part(List<Place> places, Split split) {}

    private final ModelLayout layout;
    private final int world;
    private final List<List<Part>> parts = new ArrayList<>(); // by unit and region
    private final Map<String, Place> places = new HashMap<>();
    private final Map<String, Integer> unitIndex = new HashMap<>();

    private PartitionMap(ModelLayout layout, int world, Predicate<Parameter> whole) {
        this.layout = layout;
        this.world = world;
        long[] load = new long[world];
        for (int unit = 0; unit < layout.units().size(); unit++) {
            unitIndex.put(layout.units().get(unit).name(), unit);
            parts.add(divide(unit, whole, load));
        }
        for (List<Part> unit : parts) {
            for (Part part : unit) {
                part.places().forEach(place -> places.put(place.parameter().name(), place));
            }
        }
    }

    /**
     * Divides a model.
     *
     * @param world ranks, at least 1
     * @param whole which trainable parameters must lie on one rank
     */
    public static PartitionMap of(ModelLayout layout, int world, Predicate<Parameter> whole) {
        if (world < 1) {
            throw new IllegalArgumentException("A partition needs at least 1 rank, was " + world);
        }
        return new PartitionMap(layout, world, whole);
    }

    /** Returns the parts of a unit in the order of {@link Region}. */
    private List<Part> divide(int unit, Predicate<Parameter> whole, long[] load) {
        List<Parameter> stored =
                layout.units().get(unit).parameters().stream()
                        .filter(parameter -> layout.storage(parameter) == parameter)
                        .toList();
        Predicate<Parameter> trainable = Parameter::trainable;
        Part shared = byBlocks(unit, Region.SHARED, filter(stored, trainable.and(whole.negate())));
        for (int rank = 0; rank < world; rank++) {
            load[rank] += shared.split().length(rank);
        }
        Part owned = byOwner(unit, filter(stored, trainable.and(whole)), load);
        Part frozen = byBlocks(unit, Region.FROZEN, filter(stored, trainable.negate()));
        return Arrays.stream(Region.values())
                .map(
                        region ->
                                switch (region) {
                                    case SHARED -> shared;
                                    case WHOLE -> owned;
                                    case FROZEN -> frozen;
                                })
                .toList();
    }

    private static List<Parameter> filter(List<Parameter> from, Predicate<Parameter> wanted) {
        return from.stream().filter(wanted).toList();
    }

    private Part byBlocks(int unit, Region region, List<Parameter> parameters) {
        List<Place> result = new ArrayList<>();
        long offset = 0;
        for (Parameter parameter : parameters) {
            result.add(new Place(parameter, unit, region, offset));
            offset += padded(parameter.elements());
        }
        long blocks = offset / BLOCK_ELEMENTS;
        long[] starts = new long[world + 1];
        for (int rank = 0; rank < world; rank++) {
            long mine = blocks / world + (rank < blocks % world ? 1 : 0);
            starts[rank + 1] = starts[rank] + mine * BLOCK_ELEMENTS;
        }
        return new Part(List.copyOf(result), new Split(starts));
    }

    private Part byOwner(int unit, List<Parameter> parameters, long[] load) {
        List<List<Parameter>> owned = new ArrayList<>();
        for (int rank = 0; rank < world; rank++) {
            owned.add(new ArrayList<>());
        }
        for (Parameter parameter : parameters) {
            int least = 0;
            for (int rank = 1; rank < world; rank++) {
                if (load[rank] < load[least]) {
                    least = rank;
                }
            }
            load[least] += padded(parameter.elements());
            owned.get(least).add(parameter);
        }
        List<Place> result = new ArrayList<>();
        long[] starts = new long[world + 1];
        long offset = 0;
        for (int rank = 0; rank < world; rank++) {
            for (Parameter parameter : owned.get(rank)) {
                result.add(new Place(parameter, unit, Region.WHOLE, offset));
                offset += padded(parameter.elements());
            }
            starts[rank + 1] = offset;
        }
        return new Part(List.copyOf(result), new Split(starts));
    }

    /** Returns {@code elements} rounded up to whole blocks. */
    public static long padded(long elements) {
        return (elements + BLOCK_ELEMENTS - 1) / BLOCK_ELEMENTS * BLOCK_ELEMENTS;
    }

    /** Returns the layout that is divided. */
    public ModelLayout layout() {
        return layout;
    }

    /** Returns the number of ranks. */
    public int world() {
        return world;
    }

    /** Returns the index of {@code unit} in layout order. */
    public int unitIndex(Unit unit) {
        return unitIndex(unit.name());
    }

    /** Returns the index in layout order of the unit with that name. */
    int unitIndex(String name) {
        Integer index = unitIndex.get(name);
        if (index == null) {
            throw new IllegalArgumentException(
                    "Unit '%s' is not part of this model.".formatted(name));
        }
        return index;
    }

    /** Returns where the storage of {@code parameter} lies; a tied one reads its owner's. */
    public Place place(Parameter parameter) {
        Place place = places.get(layout.storage(parameter).name());
        if (place == null) {
            throw new IllegalArgumentException(
                    "Parameter '%s' is not part of this model.".formatted(parameter.name()));
        }
        return place;
    }

    private Part part(int unit, Region region) {
        return parts.get(unit).get(region.ordinal());
    }

    /** Returns the stored parameters of a region in order of their offsets. */
    public List<Place> places(int unit, Region region) {
        return part(unit, region).places();
    }

    /** Returns who owns which elements of a region; its total is the region's padded length. */
    public Split split(int unit, Region region) {
        return part(unit, region).split();
    }

    /** Returns the padded elements of a region, 0 if the unit has no such parameters. */
    public long elements(int unit, Region region) {
        return split(unit, region).total();
    }

    /** Returns the padded elements of a unit. */
    public long elements(int unit) {
        long sum = 0;
        for (Region region : Region.values()) {
            sum += elements(unit, region);
        }
        return sum;
    }

    /** Returns the padded elements of a unit that are trained. */
    public long trainableElements(int unit) {
        return elements(unit, Region.SHARED) + elements(unit, Region.WHOLE);
    }

    /** Returns the padded elements of the whole model. */
    public long elements() {
        return everything(true).elements();
    }

    /** Returns the padded elements of the whole model that are trained. */
    public long trainableElements() {
        return everything(false).elements();
    }

    /** Returns the elements that belong to no parameter. */
    public long paddingElements() {
        return elements() - layout.elements();
    }

    /** Returns what {@code rank} owns, with or without the parameters that are not trained. */
    public OwnedSpace owned(int rank, boolean withFrozen) {
        List<OwnedSpace.Run> runs = new ArrayList<>();
        for (int unit = 0; unit < parts.size(); unit++) {
            for (Region region : Region.values()) {
                if (withFrozen || region != Region.FROZEN) {
                    Split split = split(unit, region);
                    addRuns(unit, region, split.start(rank), split.start(rank + 1), runs);
                }
            }
        }
        return new OwnedSpace(this, runs);
    }

    /** Returns all elements as one space: what every rank holds of something not sharded. */
    public OwnedSpace everything(boolean withFrozen) {
        List<OwnedSpace.Run> runs = new ArrayList<>();
        for (int unit = 0; unit < parts.size(); unit++) {
            for (Region region : Region.values()) {
                if (withFrozen || region != Region.FROZEN) {
                    addRuns(unit, region, 0, elements(unit, region), runs);
                }
            }
        }
        return new OwnedSpace(this, runs);
    }

    // A whole parameter is a run of its own, so that a step that must see it whole can have it.
    private void addRuns(int unit, Region region, long from, long to, List<OwnedSpace.Run> runs) {
        if (region != Region.WHOLE) {
            addRun(unit, region, from, to - from, runs);
            return;
        }
        for (Place place : places(unit, region)) {
            if (place.offset() >= from && place.offset() < to) {
                addRun(unit, region, place.offset(), padded(place.parameter().elements()), runs);
            }
        }
    }

    private static void addRun(
            int unit, Region region, long from, long length, List<OwnedSpace.Run> runs) {
        if (length > 0) {
            long offset = runs.isEmpty() ? 0 : runs.getLast().end();
            runs.add(new OwnedSpace.Run(unit, region, from, offset, length));
        }
    }

    /** Returns the places of a region that overlap [from, to) of it, ascending. */
    List<Place> placesIn(int unit, Region region, long from, long to) {
        List<Place> all = places(unit, region);
        int low = 0;
        int high = all.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (all.get(middle).offset() <= from) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        int first = Math.max(0, low - 1);
        int last = first;
        while (last < all.size() && all.get(last).offset() < to) {
            last++;
        }
        return all.subList(first, last);
    }
}
