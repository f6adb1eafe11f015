/** The C library: memory in huge pages, locked where asked. */
@NullMarked
package ds.foreign.libc;

import org.jspecify.annotations.NullMarked;
