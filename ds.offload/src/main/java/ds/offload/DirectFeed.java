package ds.offload;

import ds.core.FlatBuffer;
import java.util.List;

/** Steps a chunk where it lies. */
final class DirectFeed implements Feed {
    private int underWay;

    @Override
    public int depth() {
        return 1;
    }

    @Override
    public int underWay() {
        return underWay;
    }

    @Override
    public void begin(
            ChunkPlan.Chunk chunk,
            List<FlatBuffer> stored,
            StateStore.Resident resident,
            StateStore.ChunkStep step) {
        requireRoom();
        step.run(chunk.first(), resident.at(chunk.first(), chunk.length()), stored);
        underWay = 1;
    }

    @Override
    public void finish() {
        underWay = 0;
    }

    @Override
    public void abandon() {
        underWay = 0;
    }
}
