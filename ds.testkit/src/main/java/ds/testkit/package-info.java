/** Contract tests and fault injection, for plug-in authors too. */
@NullMarked
package ds.testkit;

import org.jspecify.annotations.NullMarked;
