/** What providers of further data formats and run journals implement. */
@NullMarked
package ds.engine.spi;

import org.jspecify.annotations.NullMarked;
