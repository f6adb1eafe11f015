/** The run journal of Chronicle Bytes; needs ds.engine, which a follower does not. */
@NullMarked
package ds.offload.chronicle.journal;

import org.jspecify.annotations.NullMarked;
