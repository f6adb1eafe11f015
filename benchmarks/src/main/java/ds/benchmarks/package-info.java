/** JMH benchmarks, each beside the ceiling measured in the same run. */
@NullMarked
package ds.benchmarks;

import org.jspecify.annotations.NullMarked;
