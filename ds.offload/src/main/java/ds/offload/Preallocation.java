package ds.offload;

/**
 * How a new file gets its space.
 *
 * @param durable whether that outlives a crash, so that no later write can find the disk full
 * @param reserved whether the space is only reserved, where the backend can, and reads as zeros until
 *     it is written; else zeros are written
 */
record Preallocation(boolean durable, boolean reserved) {}
