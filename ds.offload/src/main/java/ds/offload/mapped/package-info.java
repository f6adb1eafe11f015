/** The storage backend of mapped memory. */
@NullMarked
package ds.offload.mapped;

import org.jspecify.annotations.NullMarked;
