/** What a provider for this module implements. */
@NullMarked
package ds.kernels.spi;

import org.jspecify.annotations.NullMarked;
