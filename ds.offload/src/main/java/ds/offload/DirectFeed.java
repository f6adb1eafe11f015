package ds.offload;

import ds.core.FlatBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Steps a chunk where it lies. */
final class DirectFeed implements Feed {
    private @Nullable Runnable end; // null while no chunk is under way

    @Override
    public int depth() {
        return 1;
    }

    @Override
    public boolean stepsHere() {
        return true;
    }

    @Override
    public int underWay() {
        return end == null ? 0 : 1;
    }

    @Override
    public void begin(
            ChunkPlan.Chunk chunk,
            List<FlatBuffer> stored,
            StateStore.Resident resident,
            StateStore.ChunkStep step) {
        requireRoom();
        step.run(chunk.first(), resident.at(chunk.first(), chunk.length()), stored);
        end = () -> resident.ended(chunk.first(), chunk.length());
    }

    @Override
    public void finish() {
        Runnable present = end;
        end = null;
        if (present != null) {
            present.run();
        }
    }

    @Override
    public void abandon() {
        end = null;
    }
}
