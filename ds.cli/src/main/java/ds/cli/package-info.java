/** The ds command. */
@NullMarked
package ds.cli;

import org.jspecify.annotations.NullMarked;
