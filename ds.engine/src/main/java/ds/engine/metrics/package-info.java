/** Numbers of a run: as JSON lines, as a plot in text, as a plot in SVG. */
@NullMarked
package ds.engine.metrics;

import org.jspecify.annotations.NullMarked;
