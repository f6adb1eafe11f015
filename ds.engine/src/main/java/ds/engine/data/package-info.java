/** Samples to train on: readers of text, tables and images, splits, and the order of samples. */
@NullMarked
package ds.engine.data;

import org.jspecify.annotations.NullMarked;
