/** The storage backend of io_uring, by raw system calls and mapped rings. */
@NullMarked
package ds.foreign.uring;

import org.jspecify.annotations.NullMarked;
