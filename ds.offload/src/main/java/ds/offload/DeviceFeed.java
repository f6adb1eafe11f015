package ds.offload;

import ds.core.DType;
import ds.core.Device;
import ds.core.FlatBuffer;
import ds.core.Pending;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * Feeds a device that has its own memory through two sets of buffers, so that the copies of one
 * chunk overlap the kernel of the other. Resident arrays travel both ways too: only the step knows
 * which of them it writes. Their buffers are allocated when the first step shows what they are.
 */
final class DeviceFeed implements Feed {
    private static final int SETS = 2;

    private final Device device;
    private final long longest;
    private final List<List<Device.Buffer>> stored = new ArrayList<>();
    private final List<List<Device.Buffer>> resident = new ArrayList<>();
    private final List<DType> residentTypes = new ArrayList<>();
    private final Queue<UnderWay> underWay = new ArrayDeque<>();
    private boolean residentKnown;
    private long begun;

    /** A chunk on its way, and what to say when it is back. */
    private record UnderWay(List<Pending> transfers, Runnable end) {}

    DeviceFeed(Device device, int arrays, long longest) {
        this.device = device;
        this.longest = longest;
        for (int set = 0; set < SETS; set++) {
            List<Device.Buffer> buffers = new ArrayList<>();
            for (int array = 0; array < arrays; array++) {
                buffers.add(device.allocate(DType.FP32.bytesOf(longest)));
            }
            stored.add(buffers);
            resident.add(new ArrayList<>());
        }
    }

    @Override
    public int depth() {
        return SETS;
    }

    @Override
    public boolean stepsHere() {
        return false;
    }

    @Override
    public int underWay() {
        return underWay.size();
    }

    @Override
    public void begin(
            ChunkPlan.Chunk chunk,
            List<FlatBuffer> storedHost,
            StateStore.Resident residentArrays,
            StateStore.ChunkStep step) {
        requireRoom();
        List<FlatBuffer> residentHost = residentArrays.at(chunk.first(), chunk.length());
        requireKnown(residentHost);
        int set = (int) (begun++ % SETS);
        List<FlatBuffer> host = new ArrayList<>(residentHost);
        host.addAll(storedHost);
        List<Device.Buffer> buffers = new ArrayList<>(resident.get(set));
        buffers.addAll(stored.get(set));
        List<Pending> pending = new ArrayList<>();
        Runnable end = () -> residentArrays.ended(chunk.first(), chunk.length());
        underWay.add(
                new UnderWay(
                        pending,
                        end)); // first, so that a failure on the way still drains what was issued
        for (int i = 0; i < host.size(); i++) {
            pending.add(device.copyIn(host.get(i).segment(), buffers.get(i)));
        }
        int residents = residentHost.size();
        pending.add(
                device.launch(
                        memory -> {
                            List<FlatBuffer> views = new ArrayList<>(memory.size());
                            for (int i = 0; i < memory.size(); i++) {
                                views.add(Feed.typed(memory.get(i), host.get(i)));
                            }
                            step.run(
                                    chunk.first(),
                                    List.copyOf(views.subList(0, residents)),
                                    List.copyOf(views.subList(residents, views.size())));
                        },
                        buffers));
        for (int i = 0; i < host.size(); i++) {
            pending.add(device.copyOut(buffers.get(i), host.get(i).segment()));
        }
    }

    private void requireKnown(List<FlatBuffer> arrays) {
        List<DType> types = arrays.stream().map(FlatBuffer::type).toList();
        if (!residentKnown) {
            residentTypes.addAll(types);
            for (List<Device.Buffer> set : resident) {
                types.forEach(type -> set.add(device.allocate(type.bytesOf(longest))));
            }
            residentKnown = true;
        }
        if (!types.equals(residentTypes)) {
            throw new IllegalArgumentException(
                    "The resident arrays of a step must be the same every time: the first had %s, this has %s."
                            .formatted(residentTypes, types));
        }
    }

    @Override
    public void finish() {
        UnderWay oldest = underWay.peek();
        oldest.transfers().forEach(Pending::await);
        underWay.remove();
        oldest.end().run();
    }

    @Override
    public void abandon() {
        for (UnderWay chunk : underWay) {
            for (Pending pending : chunk.transfers()) {
                try {
                    pending.await();
                } catch (RuntimeException e) {
                    // Whatever it was: the failure that led here is reported, this only waits.
                }
            }
        }
        underWay.clear();
    }
}
