package ds.zero;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ds.comm.Split;
import ds.model.Init;
import ds.model.ModelLayout;
import ds.model.Parameter;
import ds.model.Unit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every element belongs to exactly one rank, in whole blocks, by the rule of docs/numerics.md. */
class PartitionMapTest {
    private static ModelLayout random(Random random) {
        List<Unit> units = new ArrayList<>();
        int number = 0;
        for (int u = 0; u < 1 + random.nextInt(5); u++) {
            List<Parameter> parameters = new ArrayList<>();
            for (int p = 0; p < random.nextInt(6); p++) {
                boolean tied = random.nextInt(5) == 0;
                int rows = tied ? 33 : 1 + random.nextInt(80);
                int columns = tied ? 65 : 1 + random.nextInt(80);
                Parameter parameter = Parameter.of("p" + number++, Init.ZERO, rows, columns);
                if (tied) {
                    parameter = parameter.tied("tie");
                } else if (random.nextInt(4) == 0) {
                    parameter = parameter.frozen();
                } else if (random.nextInt(4) == 0) {
                    parameter = parameter.tagged("matrix");
                }
                parameters.add(parameter);
            }
            units.add(new Unit("u" + u, parameters));
        }
        return new ModelLayout(units);
    }

    private static boolean whole(Parameter parameter) {
        return parameter.tags().contains("matrix");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 7})
    void everyElementHasExactlyOneOwner(int world) {
        for (int seed = 0; seed < 60; seed++) {
            ModelLayout layout = random(new Random(seed));
            PartitionMap map = PartitionMap.of(layout, world, PartitionMapTest::whole);
            Map<String, boolean[]> seen = new HashMap<>();
            for (int rank = 0; rank < world; rank++) {
                OwnedSpace owned = map.owned(rank, true);
                for (OwnedSpace.Piece piece : owned.pieces(0, owned.elements())) {
                    boolean[] taken =
                            seen.computeIfAbsent(
                                    piece.parameter().name(),
                                    _ -> new boolean[(int) piece.parameter().elements()]);
                    for (long i = 0; i < piece.length(); i++) {
                        int element = (int) (piece.parameterOffset() + i);
                        assertTrue(!taken[element], "owned twice, seed " + seed);
                        taken[element] = true;
                    }
                    OwnedSpace.Run run = owned.runAt(piece.offset());
                    long inRegion = run.regionOffset() + piece.offset() - run.offset();
                    assertEquals(
                            map.place(piece.parameter()).offset() + piece.parameterOffset(),
                            inRegion);
                    assertEquals(
                            piece.offset(), owned.offsetOf(run.unit(), run.region(), inRegion));
                }
            }
            assertEquals(layout.storages().size(), seen.size(), "seed " + seed);
            long elements = 0;
            for (boolean[] taken : seen.values()) {
                for (boolean one : taken) {
                    assertTrue(one, "owned by nobody, seed " + seed);
                    elements++;
                }
            }
            assertEquals(map.elements() - map.paddingElements(), elements);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void runsAreWholeBlocksAndTheFirstRanksHaveOneMore(int world) {
        for (int seed = 0; seed < 60; seed++) {
            ModelLayout layout = random(new Random(seed));
            PartitionMap map = PartitionMap.of(layout, world, PartitionMapTest::whole);
            for (int unit = 0; unit < layout.units().size(); unit++) {
                for (Region region : List.of(Region.SHARED, Region.FROZEN)) {
                    Split split = map.split(unit, region);
                    long blocks = split.total() / PartitionMap.BLOCK_ELEMENTS;
                    for (int rank = 0; rank < world; rank++) {
                        long expected = blocks / world + (rank < blocks % world ? 1 : 0);
                        assertEquals(
                                expected * PartitionMap.BLOCK_ELEMENTS,
                                split.length(rank),
                                "seed " + seed);
                    }
                }
                for (PartitionMap.Place place : map.places(unit, Region.WHOLE)) {
                    Split split = map.split(unit, Region.WHOLE);
                    long owners = 0;
                    for (int rank = 0; rank < world; rank++) {
                        boolean mine =
                                place.offset() >= split.start(rank)
                                        && place.offset() + place.parameter().elements()
                                                <= split.start(rank + 1);
                        owners += mine ? 1 : 0;
                    }
                    assertEquals(1, owners, place.parameter().name() + ", seed " + seed);
                }
            }
        }
    }

    @Test
    void wholeParametersGoToTheLeastLoadedRankAndTiesToTheLower() {
        Parameter[] p = new Parameter[4];
        for (int i = 0; i < p.length; i++) {
            p[i] = Parameter.of("m" + i, Init.ZERO, i == 0 ? 4096 : 1024).tagged("matrix");
        }
        PartitionMap map =
                PartitionMap.of(
                        new ModelLayout(List.of(new Unit("u", List.of(p)))),
                        2,
                        PartitionMapTest::whole);
        Split split = map.split(0, Region.WHOLE);
        assertEquals(4096, split.length(0)); // m0 by the tie; then rank 1 stays below it
        assertEquals(3 * 1024, split.length(1));
    }

    @Test
    void tiedParametersAreStoredOnceInTheirFirstUnit() {
        PartitionMap map = PartitionMap.of(SyntheticModel.LAYOUT, 2, PartitionMapTest::whole);
        assertSame(map.place(SyntheticModel.TABLE), map.place(SyntheticModel.HEAD));
        assertEquals(0, map.place(SyntheticModel.HEAD).unit());
        assertEquals(1024, map.elements(map.unitIndex(SyntheticModel.HEAD_UNIT)));
    }
}
