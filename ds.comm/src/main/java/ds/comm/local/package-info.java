/** Ranks that are threads of one JVM. */
@NullMarked
package ds.comm.local;

import org.jspecify.annotations.NullMarked;
