/** Data types, flat buffers, devices, settings, diagnostics and provider lookup. */
@NullMarked
package ds.core;

import org.jspecify.annotations.NullMarked;
