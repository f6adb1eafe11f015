/** Matrix products by OpenBLAS. */
@NullMarked
package ds.foreign.openblas;

import org.jspecify.annotations.NullMarked;
