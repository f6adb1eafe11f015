package ds.comm;

/**
 * What one rank handed over so far.
 *
 * @param reduceScatters ordered reduce-scatters
 * @param reduceScatterBytes bytes of contributions handed to other ranks
 * @param allGathers all-gathers
 * @param allGatherBytes bytes received from other ranks
 * @param allReduces integer and fp64 sums
 * @param others broadcasts, all-to-alls and barriers
 */
public record Traffic(
        long reduceScatters,
        long reduceScatterBytes,
        long allGathers,
        long allGatherBytes,
        long allReduces,
        long others) {}
