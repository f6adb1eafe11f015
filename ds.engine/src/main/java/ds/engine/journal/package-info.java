/** The journal of a run: which one, and the one that needs nothing. */
@NullMarked
package ds.engine.journal;

import org.jspecify.annotations.NullMarked;
