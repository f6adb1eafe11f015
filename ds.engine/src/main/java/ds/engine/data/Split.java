package ds.engine.data;

/**
 * Data cut in two that share nothing.
 *
 * @param train what is trained on
 * @param validation what is held out
 */
public record Split(Dataset train, Dataset validation) {}
