/** The optimizers and schedules that come with the runtime. */
@NullMarked
package ds.optim.builtin;

import org.jspecify.annotations.NullMarked;
