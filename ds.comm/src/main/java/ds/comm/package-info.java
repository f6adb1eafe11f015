/** The collective contract and ranks that are threads of one process. */
@NullMarked
package ds.comm;

import org.jspecify.annotations.NullMarked;
