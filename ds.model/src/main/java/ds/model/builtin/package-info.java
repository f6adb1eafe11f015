/** The models that come with the runtime. */
@NullMarked
package ds.model.builtin;

import org.jspecify.annotations.NullMarked;
