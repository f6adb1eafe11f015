package ds.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Every byte has one place, and every path its share. */
class StripesTest {
    private static final int PAGE = 4096;

    private static Stripes random(Random random) {
        int paths = 1 + random.nextInt(8);
        List<Integer> weights = new ArrayList<>();
        for (int path = 0; path < paths; path++) {
            weights.add(1 + random.nextInt(Stripes.WEIGHT_MAX));
        }
        return new Stripes(weights, PAGE * (1 + random.nextInt(4)));
    }

    @Test
    void everyByteHasExactlyOnePlace() {
        Random random = new Random(1);
        for (int trial = 0; trial < 300; trial++) {
            Stripes stripes = random(random);
            StripeMap map = new StripeMap(stripes);
            int pages = 1 + random.nextInt(400);
            Set<List<Long>> places = new HashSet<>();
            long[] ends = new long[stripes.paths()];
            for (long page = 0; page < pages; page++) {
                StripeMap.Piece place = map.at(page * PAGE, PAGE);
                assertEquals(PAGE, place.sizeBytes());
                assertTrue(places.add(List.of((long) place.path(), place.offset())));
                ends[place.path()] = Math.max(ends[place.path()], place.offset() + PAGE);
            }
            long all = 0;
            for (int path = 0; path < stripes.paths(); path++) {
                long part = stripes.partBytes(path, (long) pages * PAGE);
                assertEquals(ends[path], part, () -> stripes + ", " + pages + " pages");
                all += part;
            }
            assertEquals((long) pages * PAGE, all); // so that no part has a hole
        }
    }

    @Test
    void aPieceIsWhatItsPagesAre() {
        Random random = new Random(2);
        for (int trial = 0; trial < 300; trial++) {
            Stripes stripes = random(random);
            StripeMap map = new StripeMap(stripes);
            long at = random.nextInt(200) * (long) PAGE;
            long end = at + (1 + random.nextInt(200)) * (long) PAGE;
            while (at < end) {
                StripeMap.Piece piece = map.at(at, end - at);
                for (long page = 0; page < piece.sizeBytes(); page += PAGE) {
                    StripeMap.Piece one = map.at(at + page, PAGE);
                    assertEquals(piece.path(), one.path());
                    assertEquals(piece.offset() + page, one.offset());
                }
                at += piece.sizeBytes();
                assertTrue(
                        at == end || map.at(at, PAGE).path() != piece.path(),
                        "what lies together is one piece");
            }
            assertEquals(end, at);
        }
    }

    @Test
    void noPathIsAStripeAwayFromItsShare() {
        Random random = new Random(3);
        for (int trial = 0; trial < 2_000; trial++) {
            Stripes stripes = random(random);
            StripeMap map = new StripeMap(stripes);
            int all = stripes.weights().stream().mapToInt(Integer::intValue).sum();
            int[] dealt = new int[stripes.paths()];
            for (int stripe = 0; stripe < 2 * all; stripe++) {
                dealt[map.path(stripe)]++;
                for (int path = 0; path < dealt.length; path++) {
                    int away = dealt[path] * all - (stripe + 1) * stripes.weights().get(path);
                    assertTrue(Math.abs(away) < all, () -> stripes.toString());
                }
            }
        }
        // Smooth weighted round robin is more than a stripe away with these.
        Stripes hard = new Stripes(List.of(7, 13, 3, 13, 1, 1, 1, 3), PAGE);
        assertEquals(
                hard.weights(),
                IntStream.range(0, 8)
                        .mapToObj(path -> (int) (hard.partBytes(path, 42L * PAGE) / PAGE))
                        .toList());
    }

    @Test
    void weightsAreSixteenthsOfTheFastestInLowestTerms() {
        assertEquals(List.of(1, 1), weights(2e9, 2e9));
        assertEquals(List.of(2, 1), weights(4e9, 2e9));
        assertEquals(List.of(16, 1), weights(7e9, 1.0));
        assertEquals(List.of(5, 16, 8), weights(1.0, 3.2, 1.6));
        assertEquals(List.of(1), weights(3e8));
        assertThrows(IllegalArgumentException.class, () -> weights(0, 0));
        assertThrows(IllegalArgumentException.class, () -> weights(Double.NaN, 1));
    }

    private static List<Integer> weights(double... bandwidths) {
        return Stripes.measured(java.util.Arrays.stream(bandwidths).boxed().toList(), 1 << 20)
                .weights();
    }

    @Test
    void aStripeIsAMebibyteAndLessForSmallChunks() {
        assertEquals(1 << 20, Stripes.bytesFor(32 << 20));
        assertEquals(8192, Stripes.bytesFor(16_384));
        assertEquals(4096, Stripes.bytesFor(4096));
        assertThrows(IllegalArgumentException.class, () -> new Stripes(List.of(), 4096));
        assertThrows(IllegalArgumentException.class, () -> new Stripes(List.of(17), 4096));
        assertThrows(IllegalArgumentException.class, () -> new Stripes(List.of(1), 1000));
    }
}
