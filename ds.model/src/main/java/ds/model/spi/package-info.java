/** What a provider for this module implements. */
@NullMarked
package ds.model.spi;

import org.jspecify.annotations.NullMarked;
