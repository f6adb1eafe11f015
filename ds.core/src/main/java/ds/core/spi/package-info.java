/** What a provider for this module implements. */
@NullMarked
package ds.core.spi;

import org.jspecify.annotations.NullMarked;
