/** The storage backend of Linux's asynchronous I/O, by libaio or by its system calls. */
@NullMarked
package ds.foreign.aio;

import org.jspecify.annotations.NullMarked;
