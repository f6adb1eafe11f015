/** The model contract, the reverse tape and the networks built on it. */
@NullMarked
package ds.model;

import org.jspecify.annotations.NullMarked;
