package ds.zero;

import ds.comm.Communicator;
import ds.comm.Split;
import ds.core.DType;
import ds.core.FlatBuffer;
import ds.core.MemoryKind;
import ds.core.Pending;
import ds.core.RankMemory;
import ds.model.Lease;
import ds.model.ModelLayout;
import ds.model.Parameter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Working parameters of which every rank holds all: stages 0 to 2. Nothing is gathered on demand. */
final class ReplicatedParameters implements Parameters {
    private static final String NORM = "norm";

    private final PartitionMap map;
    private final Communicator communicator;
    private final boolean gathered;
    private final OwnedSpace held;
    private final FlatBuffer all;
    private final Map<String, FlatBuffer> views = new HashMap<>();
    private final Map<Parameter, FlatBuffer> wide = new LinkedHashMap<>();
    private final Lease lease = new WholeModel();

    /** Allocates the parameters. */
    ReplicatedParameters(
            PartitionMap map, Communicator communicator, RankMemory memory, ZeroOptions options) {
        this.map = map;
        this.communicator = communicator;
        this.gathered = options.residency().shardStates(); // ranks step parts only
        this.held = map.everything(true);
        this.all = memory.allocate(MemoryKind.PARAMETERS, options.precision(), held.elements());
        ModelLayout layout = map.layout();
        layout.units().stream()
                .flatMap(unit -> unit.parameters().stream())
                .forEach(parameter -> views.put(parameter.name(), view(parameter)));
        for (Parameter parameter : layout.storages()) {
            if (options.wideNorms() && parameter.trainable() && parameter.tags().contains(NORM)) {
                FlatBuffer lent =
                        memory.allocate(MemoryKind.PARAMETERS, DType.FP32, parameter.elements());
                wide.put(parameter, lent);
                views.put(parameter.name(), lent);
            }
        }
    }

    @Override
    public Map<Parameter, FlatBuffer> wide() {
        return wide;
    }

    private FlatBuffer view(Parameter parameter) {
        PartitionMap.Place place = map.place(parameter);
        return all.slice(
                held.offsetOf(place.unit(), place.region(), place.offset()), parameter.elements());
    }

    @Override
    public OwnedSpace held() {
        return held;
    }

    @Override
    public FlatBuffer memory(long firstHeld, long length) {
        return all.slice(firstHeld, length);
    }

    @Override
    public boolean inMemory() {
        return true;
    }

    @Override
    public void write(long firstHeld, FlatBuffer values) {
        all.slice(firstHeld, values.lengthElements()).copyFrom(values);
    }

    @Override
    public void read(long firstHeld, FlatBuffer into) {
        into.copyFrom(all.slice(firstHeld, into.lengthElements()));
    }

    @Override
    public void publish(boolean frozen) {
        List<Pending> gathers = new ArrayList<>();
        for (int unit = 0; unit < map.layout().units().size(); unit++) {
            for (Region region : Region.values()) {
                boolean moves = region == Region.FROZEN ? frozen : gathered;
                Split split = map.split(unit, region);
                if (moves && map.world() > 1 && split.total() > 0) {
                    FlatBuffer whole = all.slice(held.offsetOf(unit, region, 0), split.total());
                    int rank = communicator.rank();
                    FlatBuffer own = whole.slice(split.start(rank), split.length(rank));
                    gathers.add(communicator.allGather(own, whole, split));
                }
            }
        }
        gathers.forEach(Pending::await);
    }

    @Override
    public Lease acquire(int unit) {
        return lease;
    }

    @Override
    public void mark() {
        // Nothing is gathered on demand.
    }

    @Override
    public void abandon() {
        // All of it is there still.
    }

    @Override
    public long liveElementsHighWater() {
        return 0;
    }

    @Override
    public long stallNanos() {
        return 0;
    }

    @Override
    public long storedBytes() {
        return 0;
    }

    /** Everything is there all the time, so one lease serves all units. */
    private final class WholeModel implements Lease {
        @Override
        public FlatBuffer parameter(Parameter parameter) {
            FlatBuffer view = views.get(parameter.name());
            if (view == null) {
                throw new IllegalArgumentException(
                        "Parameter '%s' is not part of this model.".formatted(parameter.name()));
            }
            return view;
        }

        @Override
        public void close() {
            // Nothing was gathered, so nothing is given back.
        }
    }
}
