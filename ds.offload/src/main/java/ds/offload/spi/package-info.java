/** For providers of storage backends. */
@NullMarked
package ds.offload.spi;

import org.jspecify.annotations.NullMarked;
