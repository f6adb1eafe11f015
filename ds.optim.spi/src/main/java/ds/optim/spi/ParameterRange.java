package ds.optim.spi;

/**
 * The piece of a parameter that lies in a shard.
 *
 * @param parameter whose elements these are
 * @param parameterOffset first element inside the parameter
 * @param shardOffset first element inside the shard
 * @param length elements, at least 1
 */
public record ParameterRange(
        ParameterSpec parameter, long parameterOffset, long shardOffset, long length) {}
