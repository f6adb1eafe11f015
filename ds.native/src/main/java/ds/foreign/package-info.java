/** Everything that calls C. */
@NullMarked
package ds.foreign;

import org.jspecify.annotations.NullMarked;
