/** What providers of further data formats implement. */
@NullMarked
package ds.engine.spi;

import org.jspecify.annotations.NullMarked;
