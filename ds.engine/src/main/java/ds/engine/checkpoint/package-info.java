/** Atomic, sharded checkpoints that load at any world size, with a checksum over every byte. */
@NullMarked
package ds.engine.checkpoint;

import org.jspecify.annotations.NullMarked;
