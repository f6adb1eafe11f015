/** A journal of commits that another process follows. */
@NullMarked
package ds.offload.chronicle;

import org.jspecify.annotations.NullMarked;
