/** The optimizer and schedule contracts. */
@NullMarked
package ds.optim.spi;

import org.jspecify.annotations.NullMarked;
