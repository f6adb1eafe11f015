/** What a configuration becomes for a model, a world and a machine. */
@NullMarked
package ds.engine.plan;

import org.jspecify.annotations.NullMarked;
