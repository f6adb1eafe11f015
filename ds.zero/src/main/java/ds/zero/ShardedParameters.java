package ds.zero;

import ds.comm.Communicator;
import ds.comm.Split;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.Pending;
import ds.core.RankMemory;
import ds.model.Lease;
import ds.model.Parameter;
import ds.model.Unit;
import ds.offload.Transfers;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Working parameters of which every rank holds a part: stage 3. A unit is gathered when it is asked
 * for, into one of a bounded number of slots; it stays there after it was given back until the slot
 * is needed or the parameters change. Which slot is taken is the same on every rank, so all ranks
 * know without talking whether a unit must be gathered.
 */
final class ShardedParameters implements Parameters {
    /** Memory for one gathered unit at a time. */
    private static final class Slot {
        final FlatBuffer buffer;
        int unit = NONE;
        int leases;
        long lastUse;

        Slot(FlatBuffer buffer) {
            this.buffer = buffer;
        }
    }

    private static final int NONE = -1;

    private final PartitionMap map;
    private final Communicator communicator;
    private final RankMemory memory;
    private final DType precision;
    private final long maxLiveElements;
    private final OwnedSpace held;
    private final ShardHome home;
    private final List<Slot> slots = new ArrayList<>();
    private final Deque<Slot> spare = new ArrayDeque<>();
    private final Map<Integer, Slot> lasting = new HashMap<>();
    private final ReadAhead ahead;
    private final int[][] needs;
    private final long largestUnit;
    private long allocatedElements;
    private long liveElements;
    private long liveElementsHighWater;
    private long uses;
    private int slotsAtMark;
    private final PhaseClock clock;

    ShardedParameters(
            PartitionMap map,
            Communicator communicator,
            RankMemory memory,
            ZeroOptions options,
            ShardHome home,
            PhaseClock clock) {
        this.clock = clock;
        this.map = map;
        this.communicator = communicator;
        this.memory = memory;
        this.precision = options.precision();
        this.maxLiveElements = options.maxLiveParameters();
        this.held = map.owned(communicator.rank(), true);
        this.home = home;
        int units = map.layout().units().size();
        this.ahead =
                new ReadAhead(
                        map,
                        new ReadAheadBounds(map, options, home.aheadSlots(), communicator.rank()),
                        held,
                        home);
        this.needs = new int[units][];
        long largest = 0;
        for (int unit = 0; unit < units; unit++) {
            needs[unit] = needs(map, unit);
            long elements = map.elements(unit);
            if (elements <= options.persistenceThreshold()) {
                lasting.put(unit, new Slot(allocate(elements)));
            } else {
                largest = Math.max(largest, elements);
            }
        }
        this.largestUnit = largest;
    }

    /** Returns the unit itself and the units that own storage tied to its parameters. */
    static int[] needs(PartitionMap map, int unit) {
        Set<Integer> found = new TreeSet<>();
        found.add(unit);
        Unit asked = map.layout().units().get(unit);
        asked.parameters().forEach(parameter -> found.add(map.place(parameter).unit()));
        return found.stream().mapToInt(Integer::intValue).toArray();
    }

    private FlatBuffer allocate(long elements) {
        return memory.allocate(MemoryKind.LIVE_UNITS, precision, elements);
    }

    @Override
    public OwnedSpace held() {
        return held;
    }

    @Override
    public FlatBuffer memory(long firstHeld, long length) {
        return home.memory(firstHeld, length);
    }

    @Override
    public boolean inMemory() {
        return home.inMemory();
    }

    @Override
    public boolean inMemory(long firstHeld) {
        return home.inMemory(firstHeld);
    }

    @Override
    public void write(long firstHeld, FlatBuffer values) {
        home.write(firstHeld, values);
    }

    @Override
    public void read(long firstHeld, FlatBuffer into) {
        home.read(firstHeld, into);
    }

    @Override
    public void publish(boolean frozen) {
        // Parts stay where they are; what was gathered is out of date.
        for (Slot slot : slots) {
            slot.unit = NONE;
        }
        for (Slot slot : lasting.values()) {
            slot.unit = NONE;
        }
        ahead.published(liveElementsHighWater);
    }

    @Override
    public Lease acquire(int unit) {
        for (int needed : needs[unit]) {
            take(needed);
        }
        return new GatheredUnit(unit);
    }

    private void take(int unit) {
        @Nullable Slot there = slotOf(unit);
        Slot slot =
                there != null ? there : lasting.containsKey(unit) ? lasting.get(unit) : free(unit);
        if (there == null) {
            gathering(() -> gather(unit, slot.buffer));
            slot.unit = unit;
        }
        slot.lastUse = ++uses;
        long most = liveElementsHighWater;
        if (slot.leases++ == 0) {
            liveElements += map.elements(unit);
            liveElementsHighWater = Math.max(most, liveElements);
        }
        if (there == null) {
            gathering(() -> ahead.gathered(unit, liveElementsHighWater));
        } else if (liveElementsHighWater > most) {
            gathering(() -> ahead.follow(liveElementsHighWater));
        }
    }

    private void gathering(Runnable work) {
        PhaseClock.Phase before = clock.turn(PhaseClock.Phase.GATHER);
        long stalled = stallNanos();
        work.run();
        clock.waited(stallNanos() - stalled);
        clock.turn(before);
    }

    private void giveBack(int unit) {
        Slot slot = slotOf(unit);
        if (slot == null || slot.leases == 0) {
            throw new IllegalStateException(
                    "Unit '%s' was given back more often than it was lent."
                            .formatted(map.layout().units().get(unit).name()));
        }
        if (--slot.leases == 0) {
            liveElements -= map.elements(unit);
        }
    }

    /** Returns the slot where {@code unit} is gathered, or null. */
    private @Nullable Slot slotOf(int unit) {
        Slot lasts = lasting.get(unit);
        if (lasts != null) {
            return lasts.unit == unit ? lasts : null;
        }
        for (Slot slot : slots) {
            if (slot.unit == unit) {
                return slot;
            }
        }
        return null;
    }

    /** Returns the smallest slot that is free and large enough, of equal ones the least used. */
    private Slot free(int unit) {
        long elements = map.elements(unit);
        @Nullable Slot best = null;
        for (Slot slot : slots) {
            if (slot.leases == 0
                    && slot.buffer.lengthElements() >= elements
                    && (best == null || better(slot, best))) {
                best = slot;
            }
        }
        return best != null ? best : add(unit, elements);
    }

    private static boolean better(Slot a, Slot b) {
        int bySize = Long.compare(a.buffer.lengthElements(), b.buffer.lengthElements());
        return bySize < 0 || bySize == 0 && a.lastUse < b.lastUse;
    }

    // Every slot is as large as the largest unit where the bound allows, so that any unit fits any.
    private Slot add(int unit, long elements) {
        long size = Math.min(largestUnit, maxLiveElements - allocatedElements);
        if (size < elements) {
            throw new IllegalStateException(
                    "Unit '%s' needs %,d gathered elements beside %,d on loan, but at most %,d may be live; raise stage3_max_live_parameters."
                            .formatted(
                                    map.layout().units().get(unit).name(),
                                    elements,
                                    liveElements,
                                    maxLiveElements));
        }
        allocatedElements += size;
        Slot slot = spare.isEmpty() ? new Slot(allocate(size)) : spare.pop();
        slots.add(slot);
        return slot;
    }

    @Override
    public void mark() {
        slotsAtMark = slots.size();
    }

    // Ranks were stopped at different places, so some may have more slots than others, and other
    // units in them; which slot is taken next must be the same everywhere.
    @Override
    public void abandon() {
        while (slots.size() > slotsAtMark) {
            Slot last = slots.removeLast();
            allocatedElements -= last.buffer.lengthElements();
            spare.push(last); // made for the same place in the order, so of the size it will need
        }
        Stream.of(slots, spare, lasting.values())
                .flatMap(Collection::stream)
                .forEach(
                        slot -> {
                            slot.unit = NONE;
                            slot.leases = 0;
                            slot.lastUse = 0;
                        });
        liveElements = 0;
        uses = 0;
    }

    private void gather(int unit, FlatBuffer target) {
        List<Pending> gathers = new ArrayList<>(Region.values().length);
        int rank = communicator.rank();
        long offset = 0;
        for (Region region : Region.values()) {
            Split split = map.split(unit, region);
            if (split.total() == 0) {
                continue;
            }
            FlatBuffer whole = target.slice(offset, split.total());
            FlatBuffer own = whole.slice(split.start(rank), split.length(rank));
            if (own.lengthElements() > 0) {
                home.read(held.offsetOf(unit, region, split.start(rank)), own);
            }
            gathers.add(communicator.allGather(own, whole, split));
            offset += split.total();
        }
        gathers.forEach(Pending::await);
    }

    private FlatBuffer view(Parameter parameter) {
        PartitionMap.Place place = map.place(parameter);
        Slot slot = Objects.requireNonNull(slotOf(place.unit()), "a unit on loan is gathered");
        long offset = place.offset();
        for (Region region : Region.values()) {
            if (region.compareTo(place.region()) < 0) {
                offset += map.elements(place.unit(), region);
            }
        }
        return slot.buffer.slice(offset, parameter.elements());
    }

    @Override
    public long liveElementsHighWater() {
        return liveElementsHighWater;
    }

    @Override
    public long stallNanos() {
        return home.stallNanos();
    }

    @Override
    public Transfers transfers() {
        return home.transfers();
    }

    @Override
    public long storedBytes() {
        return home.storedBytes();
    }

    private final class GatheredUnit implements Lease {
        private final int unit;
        private boolean closed;

        GatheredUnit(int unit) {
            this.unit = unit;
        }

        @Override
        public FlatBuffer parameter(Parameter parameter) {
            if (closed || map.unitIndex(map.layout().unitOf(parameter)) != unit) {
                throw new IllegalStateException(
                        "Parameter '%s' is not on this loan of unit '%s', which is %s."
                                .formatted(
                                        parameter.name(),
                                        map.layout().units().get(unit).name(),
                                        closed ? "closed" : "open"));
            }
            return view(parameter);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                for (int needed : needs[unit]) {
                    giveBack(needed);
                }
            }
        }
    }
}
