package ds.zero;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ds.offload.RestingPlace;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which units' parts stay in memory beside a file: those that fit whole, in order. */
class ParameterStorageTest {
    private static final RestingPlace NVME = new RestingPlace.OnNvme(Path.of("unused"), 1);
    private static final List<String> ALL = List.of("embed", "block", "idle", "still", "head");

    // Elements of the two ranks: embed 2,048 and 2,048; block 5,120 and 4,096; idle 1,024 and
    // 1,024;
    // still 2,048 and 1,024; head 1,024 and none.
    private static List<String> stored(RestingPlace place, long maxInMemory, int rank) {
        PartitionMap map = PartitionMap.of(SyntheticModel.LAYOUT, 2, _ -> false);
        return new ParameterStorage(place, maxInMemory)
                .stored(map.owned(rank, true)).stream()
                        .map(run -> SyntheticModel.LAYOUT.units().get(run.unit()).name())
                        .distinct()
                        .toList();
    }

    @Test
    void whatFitsWholeStaysInOrder() {
        assertEquals(List.of("block", "still"), stored(NVME, 5_000, 0));
        assertEquals(List.of("block"), stored(NVME, 5_000, 1));
        assertEquals(List.of("idle", "still", "head"), stored(NVME, 7_168, 0));
    }

    @Test
    void aUnitThatMissesByOneElementRestsInTheFileWhole() {
        assertEquals(ALL, stored(NVME, 1_023, 0));
        assertEquals(List.of("embed", "block", "still", "head"), stored(NVME, 1_024, 0));
        assertEquals(List.of("block", "still", "head"), stored(NVME, 3_072, 0));
        assertEquals(List.of("block", "idle", "still", "head"), stored(NVME, 2_048, 0));
    }

    @Test
    void nothingOrEverythingIsPossible() {
        assertEquals(ALL, stored(NVME, 0, 0));
        assertEquals(List.of("head"), stored(NVME, 11_263, 0));
        assertEquals(List.of(), stored(NVME, 11_264, 0));
        assertEquals(List.of(), stored(NVME, Long.MAX_VALUE, 0));
        assertEquals(List.of(), stored(new RestingPlace.OnDevice(), 0, 0));
        assertEquals(List.of(), stored(new RestingPlace.InHost(false), 0, 0));
    }

    @Test
    void lessThanNothingIsRefused() {
        var failure =
                assertThrows(IllegalArgumentException.class, () -> new ParameterStorage(NVME, -1));
        assertEquals("Elements in memory must be 0 or more, were -1.", failure.getMessage());
    }
}
