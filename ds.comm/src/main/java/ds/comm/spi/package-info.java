/** What a provider for this module implements. */
@NullMarked
package ds.comm.spi;

import org.jspecify.annotations.NullMarked;
