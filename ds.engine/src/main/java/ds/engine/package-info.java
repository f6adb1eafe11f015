/** Plan, ranks, step loop, checkpoints and the embedding interface. */
@NullMarked
package ds.engine;

import org.jspecify.annotations.NullMarked;
