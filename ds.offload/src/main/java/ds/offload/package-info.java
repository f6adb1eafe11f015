/** The storage contract, its portable backend and the stores that rest on it. */
@NullMarked
package ds.offload;

import org.jspecify.annotations.NullMarked;
