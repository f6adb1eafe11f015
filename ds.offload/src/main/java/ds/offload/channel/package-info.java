/** The storage backend that runs everywhere: file channels and one thread per file. */
@NullMarked
package ds.offload.channel;

import org.jspecify.annotations.NullMarked;
