/** DeepSpeed JSON to records, with every problem located. */
@NullMarked
package ds.config;

import org.jspecify.annotations.NullMarked;
