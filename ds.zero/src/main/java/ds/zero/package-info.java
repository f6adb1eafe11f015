/** Who owns which elements; gather, reduce, step. */
@NullMarked
package ds.zero;

import org.jspecify.annotations.NullMarked;
