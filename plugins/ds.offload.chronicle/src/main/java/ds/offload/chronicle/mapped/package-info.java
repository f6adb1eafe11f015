/** The storage backend of files mapped by Chronicle Bytes. */
@NullMarked
package ds.offload.chronicle.mapped;

import org.jspecify.annotations.NullMarked;
